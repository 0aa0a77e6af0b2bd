/** One line per check as it ends, and the sums at the end. */
export class Report {
  #passed = 0;
  #failed = 0;
  readonly #isBrief: boolean;

  /** `isBrief`: of checks that held only the sum is told. */
  constructor(isBrief = false) {
    this.#isBrief = isBrief;
  }

  get passed(): number {
    return this.#passed;
  }

  get failed(): number {
    return this.#failed;
  }

  heading(text: string): void {
    console.log(`\n${text}`);
  }

  say(text: string): void {
    console.log(`  ${text}`);
  }

  /** `why` undefined: the check held. */
  note(name: string, why: string | undefined): void {
    if (why === undefined) {
      this.#passed++;
      if (!this.#isBrief) console.log(`  ok     ${name}`);
    } else {
      this.#failed++;
      console.log(`  FAILED ${name}\n         ${why.replaceAll('\n', '\n         ')}`);
    }
  }

  summary(): string {
    return `${this.#passed} passed, ${this.#failed} failed`;
  }
}
