/** How long to wait before trying again: exponential, with full jitter, so that callers that failed together do not come back together. */
export class Backoff {
  private failures = 0;

  /** All in seconds. */
  constructor(
    private readonly first = 0.2,
    private readonly most = 10,
    private readonly random: () => number = Math.random,
  ) {}

  /** The seconds to wait after another failure; `atLeast` is what the server asked for. */
  next(atLeast = 0): number {
    const limit = Math.min(this.most, this.first * 2 ** Math.min(this.failures, 30));
    this.failures += 1;
    return Math.max(this.random() * limit, atLeast);
  }

  /** Notes that it worked. */
  reset(): void {
    this.failures = 0;
  }
}
