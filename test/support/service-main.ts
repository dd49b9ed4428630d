import { resolve } from 'node:path';

/** What `npm run build` makes, and users run. */
export const builtMain = resolve(import.meta.dirname, '../../dist/main.js');

/** The variable in which the tests name the same service as one module, which starts faster. */
export const bundleVariable = 'REJOIN_MAIN';

/** What tests start: in `npm test` the bundle. */
export const serviceMain = process.env[bundleVariable] ?? builtMain;
