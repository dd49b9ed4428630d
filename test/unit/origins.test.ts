import { describe, expect, it } from 'vitest';
import { Origins } from '../../src/http/origins.js';

describe('The origins whose pages may use the service', () => {
  const origins = new Origins([
    'https://app.example.com',
    'https://*.preview.example.com',
    'http://*.dev.test:8080',
  ]);

  it.each([
    'https://app.example.com',
    'https://pr-17.preview.example.com',
    'https://x.preview.example.com',
    'http://a_b.dev.test:8080',
  ])('have %s among them', (origin) => {
    expect(origins.has(origin)).toBe(true);
  });

  it.each([
    'https://preview.example.com',
    'https://.preview.example.com',
    'https://a.b.preview.example.com',
    'https://evil-preview.example.com',
    'https://x.preview.example.com.evil.example',
    'https://x.previewxexample.com',
    'https://x.preview.example.com:8443',
    'http://x.preview.example.com',
    'https://evil.example/x.preview.example.com',
    'https://evil.example#.preview.example.com',
    'https://u@x.preview.example.com',
    'https://-.preview.example.com',
    'https://x.preview.example.com\n',
    'http://a.dev.test',
    'null',
    '',
  ])('do not have %j among them', (origin) => {
    expect(origins.has(origin)).toBe(false);
  });
});
