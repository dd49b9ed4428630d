import { copyFileSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Loader, type Plugin } from 'esbuild';

/**
 * Puts a program with all that it imports into one module. Node.js loads that in half the processor
 * time of the 850 modules of the service, or of what tsx compiles, which the hundreds of processes
 * of the tests would spend else. Each module still finds the files that lie beside it.
 *
 * @param outfile an `.mjs`
 */
export async function bundleProgram(entry: string, outfile: string): Promise<void> {
  const require = 'const require = createRequireOfBundle(import.meta.url);';
  await bundle(entry, outfile, 'esm', {
    js: `import { createRequire as createRequireOfBundle } from 'node:module'; ${require}`,
  });
}

/**
 * The same with a cache of what V8 compiles, which is another fifth of the time until the service listens. The
 * first process that exits writes it.
 *
 * @param outfile a `.cjs`: only scripts have such a cache on Node.js 20
 */
export async function bundleWithCodeCache(entry: string, outfile: string): Promise<void> {
  const script = `${outfile}.txt`;
  await bundle(entry, script, 'cjs');
  copyFileSync(join(import.meta.dirname, 'cached-script.cjs'), outfile);
}

function bundle(
  entry: string,
  outfile: string,
  format: 'esm' | 'cjs',
  banner: Record<string, string> = {},
) {
  return build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format,
    target: 'node20',
    minifyWhitespace: true,
    logLevel: 'error',
    plugins: [ownPlaces],
    banner,
  });
}

/** Modules ask where they are by `import.meta` or by `__dirname`. */
const ownPlaces: Plugin = {
  name: 'own-places',
  setup({ onLoad }) {
    onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => ({
      contents: inItsPlace(readFileSync(path, 'utf8'), path),
      loader: extname(path).slice(-2) as Loader,
    }));
  },
};

/** The text of a module with its own path in place of the expressions that ask for it. */
function inItsPlace(code: string, path: string): string {
  const text = (value: string) => JSON.stringify(value);
  return code
    .replaceAll('import.meta.url', text(pathToFileURL(path).href))
    .replaceAll('import.meta.dirname', text(dirname(path)))
    .replaceAll(/\b__dirname\b/g, text(dirname(path)))
    .replaceAll(/\b__filename\b/g, text(path));
}
