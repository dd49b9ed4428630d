/** Writes the files that list all settings, from src/config/settings.ts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { renderDotenv, renderPage, renderYaml } from './config-files.js';

const root = resolve(import.meta.dirname, '../..');
const page = resolve(root, 'docs/configuration.md');

writeFileSync(resolve(root, 'config.yaml'), renderYaml());
writeFileSync(resolve(root, '.env.example'), renderDotenv());
writeFileSync(page, renderPage(readFileSync(page, 'utf8')));
