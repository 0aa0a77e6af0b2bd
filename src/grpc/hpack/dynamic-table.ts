/** A dynamic table (RFC 7541, section 2.3.2): a ring of fields, the oldest of which go when there is no room. */

/** What both ends take as the size of the other's table until SETTINGS say otherwise (RFC 9113, section 6.5.2). */
export const defaultTableBytes = 4_096;

/** What a field takes of a table or list beside its text (RFC 7541, section 4.1). */
export const fieldOverheadBytes = 32;

export function fieldBytes(name: string, value: string): number {
  return name.length + value.length + fieldOverheadBytes;
}

export class DynamicTable {
  private readonly names: string[] = [];
  private readonly values: string[] = [];
  /** The ring has a power of two of slots, at least as many as there can be fields. */
  private readonly mask: number;
  private readonly onEvicted: (name: string) => void;
  private maxBytes: number;
  private bytes = 0;
  /** How many fields there are now, and how many were ever inserted. */
  length = 0;
  inserted = 0;
  /** Another number after every change: as long as it is the same, so is what an index stands for. */
  generation = 0;

  /** `bytesMax`: that it will ever be resized to. `onEvicted` hears of each field that goes. */
  constructor(bytesMax: number, onEvicted: (name: string) => void = () => {}) {
    const fieldsMax = Math.max(1, Math.floor(bytesMax / fieldOverheadBytes));
    this.mask = 2 ** Math.ceil(Math.log2(fieldsMax)) - 1;
    this.maxBytes = bytesMax;
    this.onEvicted = onEvicted;
  }

  get bytesMax(): number {
    return this.maxBytes;
  }

  /** `position` counts from the newest, 0, to below `length`. */
  nameAt(position: number): string {
    return this.names[(this.inserted - 1 - position) & this.mask] as string;
  }

  valueAt(position: number): string {
    return this.values[(this.inserted - 1 - position) & this.mask] as string;
  }

  /** Makes room and inserts; what is larger than the whole table only empties it (RFC 7541, section 4.4). */
  insert(name: string, value: string): void {
    const size = fieldBytes(name, value);
    this.generation++;
    this.evictTo(this.maxBytes - size);
    if (size > this.maxBytes) return;
    const slot = this.inserted & this.mask;
    this.names[slot] = name;
    this.values[slot] = value;
    this.inserted++;
    this.length++;
    this.bytes += size;
  }

  resize(bytesMax: number): void {
    this.generation++;
    this.maxBytes = bytesMax;
    this.evictTo(bytesMax);
  }

  private evictTo(bytesLeft: number): void {
    while (this.length > 0 && this.bytes > bytesLeft) {
      const slot = (this.inserted - this.length) & this.mask;
      const name = this.names[slot] as string;
      this.bytes -= fieldBytes(name, this.values[slot] as string);
      this.names[slot] = '';
      this.values[slot] = '';
      this.length--;
      this.onEvicted(name);
    }
  }
}
