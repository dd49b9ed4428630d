import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What the tests need of a Debian package, and how to get it. */
interface Needed {
  readonly debianPackage: string;
  /** For other systems. */
  readonly hint?: string;
}
interface Program extends Needed {
  /** Its names, the preferred one first. */
  readonly names: readonly string[];
}
interface NeededFile extends Needed {
  readonly path: string;
}
export const redisServer: Program = {
  names: ['redis-server', 'valkey-server'],
  debianPackage: 'redis-server',
  hint: 'macOS: brew install redis',
};
export const openssl: Program = {
  names: ['openssl'],
  debianPackage: 'openssl',
  hint: 'macOS: brew install openssl',
};
export const chromium: Program = {
  names: ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'],
  // The engine without a window system or a user interface: a page takes a quarter of the processor time.
  debianPackage: 'chromium-headless-shell',
  hint: 'any Chrome or Chromium on the PATH',
};
export const firefox: Program = {
  names: ['firefox-esr', 'firefox'],
  debianPackage: 'firefox-esr',
  hint: 'any Firefox on the PATH',
};
/** A display for programs of GTK, for WebKitGTK without a screen. */
export const broadway: Program = {
  names: ['broadwayd', 'gtk3-broadwayd'],
  debianPackage: 'libgtk-3-bin',
};
export const python: Program = {
  names: ['python3'],
  debianPackage: 'python3',
  hint: 'macOS: brew install python',
};
export const nginx: Program = {
  names: ['nginx'],
  debianPackage: 'nginx',
  hint: '/usr/sbin on the PATH; macOS: brew install nginx',
};
export const nchanModule: NeededFile = {
  path: '/usr/lib/nginx/modules/ngx_nchan_module.so',
  debianPackage: 'libnginx-mod-nchan',
};
const debianArchitectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** The browser that comes with WebKitGTK. */
export const miniBrowser: NeededFile = {
  path: `/usr/lib/${debianArchitectures[process.arch]}-linux-gnu/webkit2gtk-4.1/MiniBrowser`,
  debianPackage: 'webkit2gtk-driver',
};

/**
 * The path of a file of a package. As root on Debian it is installed when it is missing.
 *
 * @throws Error that says what is missing and how to get it
 */
export function ensureFile(file: NeededFile): string {
  return ensure(file, file.path, () => (existsSync(file.path) ? file.path : null));
}

/** The same for a program. */
export function ensureProgram(program: Program): string {
  return ensure(program, program.names.join(' or '), () => findProgram(program));
}

function ensure(needed: Needed, what: string, find: () => string | null): string {
  const found = find();
  if (found !== null) return found;
  const { debianPackage, hint } = needed;
  if (canInstall()) install(debianPackage);
  const installed = find();
  if (installed !== null) return installed;
  const ways = [`Debian, Ubuntu: apt-get install ${debianPackage}`, ...(hint ? [hint] : [])];
  throw new Error(`The tests need ${what}, not found.\n  ${ways.join('; ')}`);
}

function findProgram({ names }: Program): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const name of names) {
    for (const folder of folders) {
      if (isExecutable(join(folder, name))) return join(folder, name);
    }
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

function install(name: string): void {
  console.log(`Installing the Debian package ${name}, which the tests need`);
  const options = { stdio: ['ignore', 'ignore', 'inherit'] as ('ignore' | 'inherit')[] };
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-q'], { ...options, env });
  execFileSync('apt-get', ['install', '-qy', '--no-install-recommends', name], { ...options, env });
}
