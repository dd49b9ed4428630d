import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { Worker } from './worker.js';
import { keyHeaders } from './worker-key.js';

const usage = `Streams the answer of an API that speaks OpenAI's chat completions.

  OPENAI_API_KEY=… npx tsx openai-worker.ts http://127.0.0.1:8080/sessions/s1/messages/m1 \\
    --model gpt-5 --question 'What do cats do?'

  --base-url  of the API (default: https://api.openai.com/v1)

Where the service has keys, REJOIN_KEY in the environment is the one of this worker.
`;

/** A piece of a streamed answer, as far as it is used. */
interface Piece {
  readonly choices?: readonly {
    readonly delta: {
      readonly content?: string | null;
      /** Of models that tell their thoughts. */
      readonly reasoning_content?: string | null;
      readonly tool_calls?: readonly ToolCallPiece[];
    };
  }[];
}

interface ToolCallPiece {
  readonly index: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'base-url': { type: 'string', default: 'https://api.openai.com/v1' },
    model: { type: 'string' },
    question: { type: 'string' },
  },
});

const [url] = positionals;
if (url === undefined || options.model === undefined || options.question === undefined) {
  process.stderr.write(usage);
  process.exit(2);
}
const worker = new Worker({ url, epoch: Date.now(), headers: keyHeaders() });
try {
  await answer();
  await worker.append({ type: 'complete', done: true });
} catch (error) {
  if (!worker.signal.aborted) await worker.append(failure(error));
}
await worker.close().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 3; // somebody stopped it, or its events could not be stored
});

async function answer(): Promise<void> {
  const calls = new Map<number, { id: string; name: string; text: string }>();
  for await (const { choices } of askModel()) {
    const delta = choices?.[0]?.delta;
    if (delta?.reasoning_content) await append('thinking', delta.reasoning_content);
    if (delta?.content) await append('answer', delta.content);
    for (const piece of delta?.tool_calls ?? []) {
      const call = calls.get(piece.index) ?? { id: piece.id ?? '', name: '', text: '' };
      call.name += piece.function?.name ?? '';
      call.text += piece.function?.arguments ?? '';
      calls.set(piece.index, call);
    }
  }
  for (const { id, name, text } of calls.values()) {
    const data = { tool_call_id: id, tool_name: name, arguments: JSON.parse(text || '{}') };
    await worker.append({ type: 'tool_call', content: name, done: true, data });
  } // an agent calls its tools here, appends each `tool_result`, and asks the model again
}

/** The chunks of one thought, and of one answer, share an id. */
async function append(type: 'thinking' | 'answer', content: string): Promise<void> {
  await worker.append({ type, id: `${type}-1`, content });
}

async function* askModel(): AsyncGenerator<Piece> {
  const response = await fetch(`${options['base-url']}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${process.env.OPENAI_API_KEY ?? ''}`,
    },
    body: JSON.stringify({
      model: options.model,
      messages: [{ role: 'user', content: options.question }],
      stream: true,
    }),
    signal: worker.signal, // a stop ends the request, and with it what the model costs
  });
  if (!response.ok || response.body === null) {
    throw new Error(`the model answered ${response.status}`);
  }
  let isWhole = false;
  for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
    if (line === 'data: [DONE]') isWhole = true;
    else if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as Piece;
  }
  if (!isWhole) throw new Error('the answer of the model broke off');
}

function failure(error: unknown) {
  return { type: 'error', content: (error as Error).message, done: true };
}
