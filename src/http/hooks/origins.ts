/** One label of a host name, in the form in which browsers send it. */
const label = '[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?';

/** The origins whose pages may use the service. */
export class Origins {
  readonly #exact: ReadonlySet<string>;
  readonly #patterns: readonly RegExp[];

  /** @param list as browsers send them; a host may begin with `*.`, which stands for one label */
  constructor(list: readonly string[]) {
    this.#exact = new Set(list.filter((origin) => !origin.includes('*')));
    this.#patterns = list.filter((origin) => origin.includes('*')).map(toPattern);
  }

  get isEmpty(): boolean {
    return this.#exact.size + this.#patterns.length === 0;
  }

  has(origin: string): boolean {
    return this.#exact.has(origin) || this.#patterns.some((pattern) => pattern.test(origin));
  }
}

function toPattern(origin: string): RegExp {
  const [before = '', after = ''] = origin.split('*').map(escapeText);
  return new RegExp(`^${before}${label}${after}$`);
}

function escapeText(text: string): string {
  return text.replaceAll(/[^\w]/g, '\\$&');
}
