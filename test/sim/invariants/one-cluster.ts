import { must, type Property } from './property.ts';

const name = 'I13 one cluster';

/** No member of another cluster takes part: links, logs and stores carry the id and refuse others. */
export class OneCluster implements Property {
  readonly name = name;
  readonly on = ['start'] as const;
  private clusterId: bigint | undefined;

  judge({ id, clusterId }: { readonly id: bigint; readonly clusterId: bigint }): void {
    this.clusterId ??= clusterId;
    must(
      clusterId === this.clusterId,
      name,
      () => `${id} is of cluster ${clusterId}, others of ${this.clusterId}`,
    );
  }
}
