import { binaryString } from '../../../src/base/bytes.ts';
import { commandHeaderBytes } from '../../../src/wire/command.ts';
import { must, type Property } from './property.ts';
import type { Sight } from './sight.ts';

const name = 'I38 a proposal is in the log once';

/** What a client asks for once happens at most once, however it was forwarded and whoever leads (Redis-Raft). */
export class ProposedOnce implements Property {
  readonly name = name;
  readonly on = ['handedOut'] as const;
  /** By member, process and number of the proposal. */
  private readonly indexes = new Map<string, number>();
  private highest = 0;

  judge({ handedOut }: Pick<Sight, 'handedOut'>): void {
    for (const { index, type, data } of handedOut) {
      if (index <= this.highest) continue;
      this.highest = index;
      if (type !== 'normal' || data.length === 0) continue;
      const origin = binaryString(data.subarray(originAt, commandHeaderBytes));
      const other = this.indexes.get(origin);
      must(other === undefined, name, () => `entries ${other} and ${index} are one proposal`);
      this.indexes.set(origin, index);
    }
  }
}

/** Behind format and kind (command.ts). */
const originAt = 2;
