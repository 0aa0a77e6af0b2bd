import { emptyBytes } from '../base/bytes.ts';
import type { Entry } from '../raft/types.ts';
import { codecOf, skipUnknown, type Codec, type DecodeCursor } from '../wire/message.ts';
import { WireError } from '../wire/varint.ts';

/**
 * Entries between members (proto/peer.proto, Entry), by hand: each is written once for every follower and read by
 * every follower. A proposal on its way to the leader has neither term nor index yet.
 */

const termTag = 0x08;
const indexTag = 0x10;
const typeTag = 0x18;
const dataTag = 0x22;

const emptyEntry: Entry = { term: 0, index: 0, type: 'normal', data: emptyBytes };

export const WireEntry: Codec<Entry> = codecOf<Entry>({
  name: 'quorate.peer.Entry',
  create: (fields) => ({ ...emptyEntry, ...fields }),
  readInto: readEntry,
  writeTo: (writer, { term, index, type, data }) => {
    writer.bytesField(dataTag, data);
    writer.boolField(typeTag, type === 'confChange');
    writer.numberField(indexTag, index);
    writer.numberField(termTag, term);
  },
});

/** Data is a view of the frame. */
function readEntry(cursor: DecodeCursor, previous: Entry = emptyEntry): Entry {
  const { reader } = cursor;
  let { term, index, type, data } = previous;
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case termTag:
        term = reader.readUnsigned();
        break;
      case indexTag:
        index = reader.readUnsigned();
        break;
      case typeTag:
        type = entryType(reader.readEnum());
        break;
      case dataTag:
        data = reader.readDelimited();
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { term, index, type, data };
}

function entryType(type: number): Entry['type'] {
  if (type === 0) return 'normal';
  if (type === 1) return 'confChange';
  throw new WireError(`peer: unknown entry type ${type}`);
}
