import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromiumArguments } from '../../support/chromium-arguments.js';
import {
  broadway,
  chromium,
  ensureFile,
  ensureProgram,
  firefox,
  miniBrowser,
} from '../../support/debian-packages.js';
import { freePort } from '../../support/free-port.js';
import { waitFor } from '../../support/wait-for.js';

/** The processes of a browser that shows one page, and the directory of all that it keeps. */
export class BrowserProcess {
  static readonly #running = new Set<BrowserProcess>();
  readonly #directory = mkdtempSync(join(tmpdir(), 'rejoin-browser-'));
  readonly #groups: number[] = [];

  /** It ends with this process, if not before. */
  constructor() {
    if (BrowserProcess.#running.size === 0) {
      process.once('exit', BrowserProcess.#endAll);
      process.once('SIGTERM', BrowserProcess.#endOnSignal);
    }
    BrowserProcess.#running.add(this);
  }

  static #endAll(): void {
    for (const browser of BrowserProcess.#running) browser.#endGroups();
    for (const browser of [...BrowserProcess.#running]) browser.end();
  }

  /** This is how vitest ends its workers. */
  static #endOnSignal(): void {
    BrowserProcess.#endAll();
    process.kill(process.pid, 'SIGTERM');
  }

  /** The path of a new directory of this name. */
  directory(name: string): string {
    const path = join(this.#directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  start(program: string, args: readonly string[], environment: Record<string, string> = {}): void {
    const home = this.directory('home');
    const own = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: home, ...environment };
    // A group of its own, since it may be a script that starts the browser.
    const child = spawn(program, args, { env: own, stdio: 'ignore', detached: true });
    if (child.pid !== undefined) this.#groups.push(child.pid);
  }

  /** At once: so it can be done while this process ends. */
  end(): void {
    this.#endGroups();
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    BrowserProcess.#running.delete(this);
    if (BrowserProcess.#running.size > 0) return;
    process.off('exit', BrowserProcess.#endAll);
    process.off('SIGTERM', BrowserProcess.#endOnSignal);
  }

  #endGroups(): void {
    for (const group of this.#groups) endGroup(group);
  }
}

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended already
  }
}

/** What a browser accepts besides what it would: certificates of these ports of this machine. */
export interface Trust {
  readonly port: number;
  /** Of the certificate, as `X509Certificate` has it. */
  readonly fingerprint256: string;
}

export type LaunchBrowser = (url: string, trust?: Trust) => Promise<BrowserProcess>;

export async function launchChromium(url: string, trust?: Trust): Promise<BrowserProcess> {
  const browser = new BrowserProcess();
  browser.start(ensureProgram(chromium), [
    `--user-data-dir=${browser.directory('profile')}`,
    '--headless',
    '--remote-debugging-port=0', // without it, the headless shell ends when the page is loaded
    ...chromiumArguments,
    ...(trust === undefined ? [] : ['--ignore-certificate-errors']),
    url,
  ]);
  return browser;
}

/** Nothing but the page, in few processes. */
const firefoxPreferences: Readonly<Record<string, unknown>> = {
  'app.normandy.enabled': false,
  'app.update.auto': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.newtab.preload': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.ipc.processPrelaunch.enabled': false,
  'dom.ipc.processCount': 1,
  'extensions.systemAddon.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
};

export async function launchFirefox(url: string, trust?: Trust): Promise<BrowserProcess> {
  const browser = new BrowserProcess();
  const profile = browser.directory('profile');
  const lines = Object.entries(firefoxPreferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  if (trust !== undefined) writeFileSync(join(profile, 'cert_override.txt'), override(trust));
  browser.start(ensureProgram(firefox), ['--headless', '--no-remote', '--profile', profile, url]);
  return browser;
}

/** What Firefox notes when its user accepts a certificate. */
function override({ port, fingerprint256 }: Trust): string {
  const sha256 = 'OID.2.16.840.1.101.3.4.2.1';
  return `127.0.0.1:${port}:\t${sha256}\t${fingerprint256}\t\n`;
}

/** WebKitGTK, in its own small browser, on a display that Broadway draws for nobody. */
export async function launchWebKit(url: string): Promise<BrowserProcess> {
  const browser = new BrowserProcess();
  const display = ':1'; // within its own directory
  const port = await freePort();
  browser.start(ensureProgram(broadway), ['-a', '127.0.0.1', '-p', String(port), display]);
  await waitFor('there is a display', () =>
    fetch(`http://127.0.0.1:${port}`).then(
      () => true,
      () => false,
    ),
  );
  browser.start(ensureFile(miniBrowser), ['--private', url], {
    GDK_BACKEND: 'broadway',
    BROADWAY_DISPLAY: display,
    WEBKIT_DISABLE_COMPOSITING_MODE: '1',
    WEBKIT_DISABLE_DMABUF_RENDERER: '1',
  });
  return browser;
}
