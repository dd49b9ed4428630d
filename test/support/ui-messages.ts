import type { UIMessage, UIMessageChunk } from 'ai';
import * as seven from 'ai';
import * as five from 'ai-5';
import * as six from 'ai-6';

export type AiSdk = Pick<
  typeof seven,
  'AbstractChat' | 'DefaultChatTransport' | 'readUIMessageStream' | 'uiMessageChunkSchema'
>;

/** The majors of the AI SDK, the current one first: their types differ where ours do not. */
export const majors: readonly { readonly name: string; readonly sdk: AiSdk }[] = [
  { name: 'ai 7', sdk: seven },
  { name: 'ai 6', sdk: six as unknown as AiSdk },
  { name: 'ai 5', sdk: five as unknown as AiSdk },
];

export interface ReadMessage {
  readonly message: UIMessage | undefined;
  readonly chunks: readonly UIMessageChunk[];
  /** What the SDK reported. */
  readonly errors: readonly string[];
}

/** Reads a response as the SDK's own transport and its own reader of messages do. */
export async function readMessage(sdk: AiSdk, body: Buffer): Promise<ReadMessage> {
  const transport = new sdk.DefaultChatTransport({ fetch: async () => new Response(body) });
  const stream = await transport.reconnectToStream({ chatId: 'c' });
  const chunks: UIMessageChunk[] = [];
  const errors: string[] = [];
  const noting = new TransformStream<UIMessageChunk, UIMessageChunk>({
    transform(chunk, controller) {
      chunks.push(chunk);
      controller.enqueue(chunk);
    },
  });
  let message: UIMessage | undefined;
  const onError = (error: unknown) => errors.push(String((error as Error).message));
  const noted = (stream as ReadableStream<UIMessageChunk>).pipeThrough(noting);
  const messages = sdk.readUIMessageStream({ stream: noted, onError });
  try {
    for await (const one of messages) message = one;
  } catch (error) {
    onError(error);
  }
  return { message, chunks, errors };
}

const metadata = ['providerMetadata'];
const tool = ['toolCallId', 'providerExecuted', 'dynamic', ...metadata];

/** The fields that the strict schemas took which the SDK had before it let all others pass. */
const strictFields: Readonly<Record<string, readonly string[]>> = {
  start: ['messageId', 'messageMetadata'],
  'text-start': ['id', ...metadata],
  'text-delta': ['id', 'delta', ...metadata],
  'text-end': ['id', ...metadata],
  'reasoning-start': ['id', ...metadata],
  'reasoning-delta': ['id', 'delta', ...metadata],
  'reasoning-end': ['id', ...metadata],
  'tool-input-available': [...tool, 'toolName', 'input'],
  'tool-output-available': [...tool, 'output', 'preliminary'],
  'tool-output-error': [...tool, 'errorText'],
  'tool-approval-request': ['approvalId', 'toolCallId'],
  'source-url': ['sourceId', 'url', 'title', ...metadata],
  'source-document': ['sourceId', 'mediaType', 'title', 'filename', ...metadata],
  error: ['errorText'],
  abort: [],
  finish: ['messageMetadata'],
};

/** What a strict schema would find fault with: unknown types and fields. */
export function strictFaults(chunks: readonly UIMessageChunk[]): string[] {
  return chunks.flatMap((chunk) => {
    const isData = chunk.type.startsWith('data-');
    const fields = isData ? ['id', 'data', 'transient'] : strictFields[chunk.type];
    if (fields === undefined) return [chunk.type];
    return Object.keys(chunk)
      .filter((key) => key !== 'type' && !fields.includes(key))
      .map((key) => `${chunk.type}.${key}`);
  });
}
