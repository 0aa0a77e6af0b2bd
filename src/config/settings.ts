import { assert, mustGet } from '../base/assert.ts';
import type { Assignment } from './assignment.ts';
import { featureGates, isGateOpen } from './feature-gates.ts';
import type { Option } from './option.ts';
import { findOption } from './options.ts';
import { parseValue, type OptionValue } from './values.ts';

/** Every option with its value in force: the default, or the last one given. */
export class Settings {
  private readonly given = new Map<string, Assignment>();

  /** The values have been checked by whoever read them. */
  constructor(assignments: readonly Assignment[]) {
    for (const assignment of assignments) {
      const { option } = assignment;
      const before = this.given.get(option.flag);
      const adds = option.type.kind === 'featureGates' && before !== undefined;
      const text = adds ? `${before.text},${assignment.text}` : assignment.text;
      this.given.set(option.flag, { ...assignment, text });
    }
  }

  /** What was given, in the order in which it was first given. */
  assignments(): readonly Assignment[] {
    return [...this.given.values()];
  }

  isGiven(flag: string): boolean {
    return this.given.has(flag);
  }

  text(flag: string): string {
    const value = this.value(flag);
    assert(value.kind === 'text', `option ${flag} is no text`);
    return value.text;
  }

  /** A count, or milliseconds for a duration. */
  number(flag: string): number {
    const value = this.value(flag);
    assert(value.kind === 'number', `option ${flag} is no number`);
    return value.number;
  }

  boolean(flag: string): boolean {
    const value = this.value(flag);
    assert(value.kind === 'boolean', `option ${flag} is no boolean`);
    return value.boolean;
  }

  list(flag: string): readonly string[] {
    const value = this.value(flag);
    assert(value.kind === 'list', `option ${flag} is no list`);
    return value.list;
  }

  isGateOpen(name: string): boolean {
    const gate = featureGates.find((each) => each.name === name);
    return isGateOpen(this.gates(), mustGet(gate, `gate ${name} is not in the table`));
  }

  gates(): ReadonlyMap<string, boolean> {
    const value = this.value('feature-gates');
    assert(value.kind === 'gates', 'feature-gates holds gates');
    return value.gates;
  }

  private value(flag: string): OptionValue {
    const option = mustGet(findOption(flag), `option ${flag} is not in the table`);
    return mustParse(option, this.given.get(flag)?.text ?? option.type.default);
  }
}

/** The value of a text that was checked when it was read. */
export function mustParse(option: Option, text: string): OptionValue {
  const parsed = parseValue(option.type, text);
  assert(parsed.ok, `option ${option.flag} does not take ${text}`);
  return parsed.value;
}
