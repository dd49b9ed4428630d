import type { AddressInfo } from 'node:net';
import type { ChatState, UIMessage } from 'ai';
import { onTestFinished } from 'vitest';
import { type Agent, ChatBackend, type ChatMessage } from '../../examples/ai-sdk/chat-backend.js';
import type { AiSdk } from './ui-messages.js';

/** What a page keeps, without a page. */
class PlainState implements ChatState<UIMessage> {
  status: ChatState<UIMessage>['status'] = 'ready';
  error: Error | undefined;
  messages: UIMessage[];

  constructor(messages: UIMessage[]) {
    this.messages = messages;
  }

  pushMessage = (message: UIMessage) => {
    this.messages = [...this.messages, message];
  };
  popMessage = () => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index: number, message: UIMessage) => {
    this.messages = this.messages.with(index, this.snapshot(message));
  };
  snapshot = <T>(value: T): T => structuredClone(value);
}

export interface ChatOptions {
  readonly id: string;
  /** Of the back end. */
  readonly origin: string;
  /** Where it resumes, when not at the back end. Read each time. */
  reconnectTo?: string;
  readonly messages?: UIMessage[];
  readonly fetch?: typeof globalThis.fetch;
}

/** The SDK's own chat over its own transport, as `useChat` has it. */
export function newChat(sdk: AiSdk, options: ChatOptions) {
  const { id, origin, reconnectTo, messages = [], fetch = globalThis.fetch } = options;
  const api = `${origin}/api/chat`;
  const transport = new sdk.DefaultChatTransport({
    api,
    fetch,
    ...(reconnectTo && {
      prepareReconnectToStreamRequest: () => ({ api: options.reconnectTo ?? reconnectTo }),
    }),
  });
  const state = new PlainState(messages);
  class Chat extends sdk.AbstractChat<UIMessage> {
    constructor() {
      super({ id, transport, state, onError: () => {} });
    }
  }
  return new Chat();
}

/** The parts of the last message that are text, joined. */
export function shownText(chat: { readonly messages: readonly UIMessage[] }): string {
  const parts = chat.messages.at(-1)?.parts ?? [];
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** The back end of the example, until the test is over. */
export async function startBackend(serviceUrl: string, agent: Agent): Promise<string> {
  const { server } = new ChatBackend({ serviceUrl, agent });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a page gets that loads. */
export async function loadMessages(origin: string, id: string): Promise<UIMessage[]> {
  return (await (await fetch(`${origin}/api/chat/${id}`)).json()) as UIMessage[] & ChatMessage[];
}
