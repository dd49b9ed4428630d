import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Programs that are no packages, by what stands in the name of their clients. */
const programs: readonly (readonly [string, string, ...string[]])[] = [
  ['curl', 'curl', '--version'],
  ['Python', 'python3', '--version'],
  ['Chromium', 'chromium-headless-shell', '--version'],
  ['Firefox', 'firefox-esr', '--version'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg fills it in
  ['WebKitGTK', 'dpkg-query', '--show', '--showformat=${Version}', 'libwebkit2gtk-4.1-0'],
];

/** The exact version of the client of this name; `–` when nobody can tell. */
export function versionOf(name: string): string {
  for (const [text, command, ...args] of programs) {
    if (name.includes(text)) return firstVersionIn(spawnSync(command, args).stdout?.toString());
  }
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const packages = Object.entries<string>(devDependencies).map(([alias, version]) =>
    version.startsWith('npm:') ? version.slice('npm:'.length) : `${alias}@${version}`,
  );
  const [nameOfPackage, major] = name.split(' ');
  const found = packages.find((one) => one.startsWith(`${nameOfPackage}@${major}.`));
  return firstVersionIn(found?.split('@').at(-1));
}

function firstVersionIn(text = ''): string {
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? '–';
}
