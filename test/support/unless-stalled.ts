const lookMs = 5;

/**
 * For what has to come in time: attempts it again when it has failed while this process stood
 * still for so long that the failure says nothing. A failure without such a stall is one.
 */
export async function unlessStalled<T>(stallMs: number, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    let [longest, last] = [0, performance.now()];
    const look = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    };
    const looks = setInterval(look, lookMs);
    try {
      return await attempt();
    } catch (error) {
      look();
      if (longest < stallMs) throw error;
    } finally {
      clearInterval(looks);
    }
  }
}
