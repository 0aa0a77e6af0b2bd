const charsMax = 120;

/** What the harnesses begin the line with that tells of a failure, the most telling first. */
const patterns: readonly RegExp[] = [
  /^\s*(?:Violation|InvariantError|AssertionError)\b.*/m,
  /^.*\bI\d+ .*(?:violat|broken|:).*/m,
  /^DIFFERENCE .*/m,
  /^.*\b(?:FAILED|INVALID|invalid)\b.*/m,
  /^\s*(?:[A-Z]\w*)?Error: .*/m,
  /^.*\bfail(?:ed|ure)\b.*/im,
];

/** An invariant that is broken says all there is to say. */
const violation = /(?:\b(?:Error|Violation|InvariantError): (?=I\d)|^seed \d+ fails: )(.*)$/m;

/** Of mocha: which test failed, beside what it says. */
const mochaFailure = /^ {2}1\) ([\s\S]*?):?\n\s+(\w*Error\b.*)$/m;

/** The line of a harness's output that tells best what went wrong; else its last. */
export function failureLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const ofMocha = mochaFailure.exec(output)?.slice(1, 3).join(': ');
  const found =
    violation.exec(output)?.[1] ??
    ofMocha ??
    patterns.map((pattern) => pattern.exec(output)?.[0]).find(Boolean);
  const line = (found ?? lines.at(-1) ?? 'nothing was said').trim().replaceAll(/\s+/g, ' ');
  return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line;
}
