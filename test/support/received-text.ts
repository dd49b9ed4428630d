/** The text of a body as far as it came: a feed that ends early breaks off. */
export async function receivedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
  } catch (error) {
    // This is how fetch reports a body that is not complete.
    if (!(error instanceof TypeError && error.message === 'terminated')) throw error;
  }
  return text;
}
