import { z } from 'zod';
import { isFields } from './event-record.js';

type Json = Readonly<Record<string, z.core.util.JSONType>>;

/** An object of any JSON. Its values come from `JSON.parse`, so there is no need to check each one. */
const json = z.custom<Json>(isFields);

/** Metadata of providers, by the name of the provider. */
const providerMetadata = z
  .custom<Readonly<Record<string, Json>>>(
    (value) => isFields(value) && Object.values(value).every(isFields),
  )
  .optional();

const part = { id: z.string(), providerMetadata };
const call = { toolCallId: z.string() };
const executed = {
  ...call,
  providerExecuted: z.boolean().optional(),
  providerMetadata,
  toolMetadata: json.optional(),
  dynamic: z.boolean().optional(),
};
const named = { ...executed, toolName: z.string(), title: z.string().optional() };
const file = { url: z.string(), mediaType: z.string(), providerMetadata };
const messageMetadata = z.unknown().optional();

const finishReason = z.enum(['stop', 'length', 'content-filter', 'tool-calls', 'error', 'other']);

const known = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), messageId: z.string().optional(), messageMetadata }),
  z.object({ type: z.literal('start-step') }),
  z.object({ type: z.literal('text-start'), ...part }),
  z.object({ type: z.literal('text-delta'), ...part, delta: z.string() }),
  z.object({ type: z.literal('text-end'), ...part }),
  z.object({ type: z.literal('reasoning-start'), ...part }),
  z.object({ type: z.literal('reasoning-delta'), ...part, delta: z.string() }),
  z.object({ type: z.literal('reasoning-end'), ...part }),
  z.object({
    type: z.literal('tool-input-start'),
    ...named,
    inputEncoding: z.enum(['json', 'text']).optional(),
  }),
  z.object({ type: z.literal('tool-input-delta'), ...call, inputTextDelta: z.string() }),
  z.object({ type: z.literal('tool-input-available'), ...named, input: z.unknown() }),
  z.object({
    type: z.literal('tool-input-error'),
    ...named,
    input: z.unknown(),
    errorText: z.string(),
  }),
  z.object({
    type: z.literal('tool-approval-request'),
    ...call,
    approvalId: z.string(),
    approvalDescriptor: z.unknown().optional(),
    inputSchemaInput: z.unknown().optional(),
    signature: z.string().optional(),
  }),
  z.object({
    type: z.literal('tool-output-available'),
    ...executed,
    output: z.unknown(),
    preliminary: z.boolean().optional(),
  }),
  z.object({ type: z.literal('tool-output-error'), ...executed, errorText: z.string() }),
  z.object({ type: z.literal('tool-output-denied'), ...call }),
  z.object({
    type: z.literal('source-url'),
    sourceId: z.string(),
    url: z.string(),
    title: z.string().optional(),
    providerMetadata,
  }),
  z.object({
    type: z.literal('source-document'),
    sourceId: z.string(),
    mediaType: z.string(),
    title: z.string(),
    filename: z.string().optional(),
    providerMetadata,
  }),
  z.object({ type: z.literal('file'), ...file }),
  z.object({ type: z.literal('message-metadata'), messageMetadata: z.unknown() }),
  z.object({ type: z.literal('finish-step') }),
  z.object({ type: z.literal('abort'), reason: z.string().optional() }),
  z.object({ type: z.literal('error'), errorText: z.string() }),
  z.object({
    type: z.literal('finish'),
    finishReason: finishReason.optional(),
    messageMetadata,
  }),
]);

const data = z.object({
  type: z.templateLiteral(['data-', z.string()]),
  id: z.string().optional(),
  data: z.unknown(),
  transient: z.boolean().optional(),
});

/**
 * The chunks of the AI SDK's UI message stream that versions 6 and 7 support, and version 5 except for
 * those of approvals. Further fields are dropped, since a version in between may reject them.
 */
export const uiMessageChunk = z.union([known, data]);

export type UiMessageChunk = z.infer<typeof uiMessageChunk>;

/** The chunks of one type. */
export type ChunkOf<Type extends UiMessageChunk['type']> = Extract<UiMessageChunk, { type: Type }>;
