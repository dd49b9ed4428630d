import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that the tests run, and how to get it. */
interface Program {
  /** Its names, the preferred one first. */
  readonly names: readonly string[];
  readonly debianPackage: string;
  readonly hint: string;
}

export const redisServer: Program = {
  names: ['redis-server', 'valkey-server'],
  debianPackage: 'redis-server',
  hint: 'Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis',
};

export const openssl: Program = {
  names: ['openssl'],
  debianPackage: 'openssl',
  hint: 'Debian, Ubuntu: apt-get install openssl; macOS: brew install openssl',
};

export const chromium: Program = {
  names: ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'],
  // The engine without a window system or a user interface: a page takes a quarter of the processor time.
  debianPackage: 'chromium-headless-shell',
  hint: 'Debian: apt-get install chromium-headless-shell; or any Chrome or Chromium on the PATH',
};

export const firefox: Program = {
  names: ['firefox-esr', 'firefox'],
  debianPackage: 'firefox-esr',
  hint: 'Debian: apt-get install firefox-esr; or any Firefox on the PATH',
};

/** A display for programs of GTK, for WebKitGTK without a screen. */
export const broadway: Program = {
  names: ['broadwayd', 'gtk3-broadwayd'],
  debianPackage: 'libgtk-3-bin',
  hint: 'Debian, Ubuntu: apt-get install libgtk-3-bin',
};

export const python: Program = {
  names: ['python3'],
  debianPackage: 'python3',
  hint: 'Debian, Ubuntu: apt-get install python3; macOS: brew install python',
};

export const nginx: Program = {
  names: ['nginx'],
  debianPackage: 'nginx',
  hint: 'Debian, Ubuntu: apt-get install nginx, and /usr/sbin on the PATH; macOS: brew install nginx',
};

export const nchanModule = {
  path: '/usr/lib/nginx/modules/ngx_nchan_module.so',
  debianPackage: 'libnginx-mod-nchan',
  hint: 'Debian, Ubuntu: apt-get install libnginx-mod-nchan',
};

const debianArchitectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** The browser that comes with WebKitGTK. */
export const miniBrowser = {
  path: `/usr/lib/${debianArchitectures[process.arch]}-linux-gnu/webkit2gtk-4.1/MiniBrowser`,
  debianPackage: 'webkit2gtk-driver',
  hint: 'Debian, Ubuntu: apt-get install webkit2gtk-driver',
};

/**
 * The path of a file of a package. As root on Debian it is installed when it is missing.
 *
 * @throws Error that says what is missing and how to get it
 */
export function ensureFile({ path, debianPackage, hint }: typeof nchanModule): string {
  if (!existsSync(path) && canInstall()) install(debianPackage);
  if (existsSync(path)) return path;
  throw new Error(`${path} is missing.\n  ${hint}`);
}

/**
 * The path of a program. As root on Debian it is installed when it is missing.
 *
 * @throws Error that says what is missing and how to get it
 */
export function ensureProgram(program: Program): string {
  const found = findProgram(program);
  if (found !== null) return found;
  if (canInstall()) install(program.debianPackage);
  const installed = findProgram(program);
  if (installed !== null) return installed;
  throw new Error(`The tests need ${program.names.join(' or ')}, not found.\n  ${program.hint}`);
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
