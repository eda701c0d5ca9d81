interface Text {
  text: string;
}

/** Sends a text, waits for its answer, and so on `count` times over one stream. Gives how many answers came. */
export async function pingPong(
  count: number,
  open: (texts: AsyncIterable<Text>) => AsyncIterable<Text>,
): Promise<number> {
  let answered = () => {};
  async function* texts(): AsyncGenerator<Text> {
    for (let i = 0; i < count; i++) {
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      yield { text: "ping" };
      await answer;
    }
  }
  let received = 0;
  for await (const { text } of open(texts())) {
    if (text === "ping") received++;
    answered();
  }
  return received;
}
