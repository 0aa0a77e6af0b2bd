import {
  answerOf,
  type Action,
  type Compare,
  type Request,
  type Result,
} from '../client/requests.ts';
import type { Operation } from '../types.ts';

/** One key as a register: the model of the search. Its value is null where there is no key. */

export interface Step {
  /** The value behind the operation; undefined: it cannot happen here, or was not answered so. */
  apply(value: string | null): string | null | undefined;
  /** The values that its answer depends on. */
  readonly saw: readonly string[];
  /** It was told that there is a key, whatever its value. */
  readonly sawExistence: boolean;
  /** It was told that there is none, or only that a comparison does not hold. */
  readonly sawNothing: boolean;
  /** The value that it may leave behind. */
  readonly wrote: string | undefined;
  readonly answered: string;
}

/** Undefined where the operation is of more than one key, or looks at more than values. */
export function stepOf(
  operation: Operation,
  request: Request,
): { readonly key: string; readonly step: Step } | undefined {
  const { compare = [], success, failure: otherwise = [] } = request;
  const actions = [...success, ...otherwise];
  const keys = new Set([...compare, ...actions].map(({ key }) => key));
  const [key] = keys;
  if (key === undefined || keys.size !== 1) return undefined;
  if (compare.some(({ target, is }) => target !== 'value' || is !== '=')) return undefined;
  if (actions.some(isBeyondKey)) return undefined;
  return { key, step: new RequestStep(operation, request) };
}

function isBeyondKey(action: Action): boolean {
  if (action.op === 'put') return false;
  return action.end !== undefined || (action.op === 'get' && action.revision !== undefined);
}

class RequestStep implements Step {
  readonly saw: readonly string[];
  readonly sawExistence: boolean;
  readonly sawNothing: boolean;
  readonly wrote: string | undefined;
  readonly answered: string;
  private readonly request: Request;
  private readonly succeeded: boolean | undefined;
  private readonly results: readonly Result[] | undefined;

  constructor(operation: Operation, request: Request) {
    const answer = answerOf(operation);
    this.request = request;
    this.succeeded = answer?.succeeded;
    this.results = answer?.results;
    const { compare = [], success, failure: otherwise = [] } = request;
    const actions = [...success, ...otherwise];
    this.wrote = actions.find((action) => action.op === 'put')?.value;
    const read = (answer?.results ?? []).flatMap(({ kvs = [] }) => kvs.map(({ value }) => value));
    this.saw = [...read, ...compare.map(({ to }) => String(to))];
    const results = answer?.results ?? [];
    const isRefused = answer?.succeeded === false && results.length === 0;
    this.sawExistence = isRefused || results.some(({ deleted = 0 }) => deleted > 0);
    this.sawNothing =
      isRefused || results.some(({ deleted, kvs }) => (deleted ?? kvs?.length) === 0);
    const verb = answer?.succeeded === false ? 'that it does not hold' : 'that it happened';
    this.answered = read.length > 0 ? `"${read.join('", "')}"` : verb;
  }

  apply(before: string | null): string | null | undefined {
    const { compare = [], success, failure: otherwise = [] } = this.request;
    const holds = compare.every((each) => isEqual(each, before));
    if (this.succeeded !== undefined && this.succeeded !== holds) return undefined;
    let value = before;
    for (const [i, action] of (holds ? success : otherwise).entries()) {
      const result = this.results?.[i];
      if (result !== undefined && !fits(action, result, value)) return undefined;
      if (action.op === 'put') ({ value } = action);
      if (action.op === 'delete') value = null;
    }
    return value;
  }
}

function isEqual({ to }: Compare, value: string | null): boolean {
  return value === String(to);
}

function fits(action: Action, { kvs, deleted }: Result, value: string | null): boolean {
  switch (action.op) {
    case 'put':
      return true;
    case 'get':
      return (kvs?.[0]?.value ?? null) === value;
    case 'delete':
      return deleted === (value === null ? 0 : 1);
  }
}

const unseenValue = '(a value that nobody saw)';

/** A write whose value nobody ever saw. */
export class UnseenStep implements Step {
  readonly saw: readonly string[];
  readonly sawExistence = false;
  readonly sawNothing = false;
  readonly wrote = unseenValue;
  readonly answered = 'nothing';
  private readonly step: Step;

  constructor(step: Step) {
    this.step = step;
    this.saw = step.saw;
  }

  apply(before: string | null): string | null | undefined {
    const value = this.step.apply(before);
    return value === this.step.wrote ? unseenValue : value;
  }
}
