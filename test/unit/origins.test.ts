import { describe, expect, it } from 'vitest';
import { Origins } from '../../src/http/hooks/cross-origin.js';

describe('The list of allowed origins', () => {
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
    'https://xn--bcher-kva.preview.example.com',
  ])('matches %s', (origin) => {
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
    'https://x.preview.example.com.',
    'https://X.preview.example.com',
    'https://%78.preview.example.com',
    'https://bücher.preview.example.com',
    'https://*.preview.example.com',
    'https://evil.example\\.preview.example.com',
    'https://evil.example:80.preview.example.com',
    'https://127.0.0.1.preview.example.com',
    'https://x.preview.example.com, https://app.example.com',
    `https://${'x'.repeat(16_000)}.evil.example`,
    'http://a.dev.test:80800',
    'http://a.dev.test',
    'null',
    '',
  ])('does not match %j', (origin) => {
    expect(origins.has(origin)).toBe(false);
  });
});
