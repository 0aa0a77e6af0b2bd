package interop;

import io.etcd.jetcd.Client;

/** Drives a cluster through io.etcd:jetcd-core. Usage: Main URL [URL ...] */
public final class Main {
  private Main() {}

  public static void main(String[] endpoints) {
    Suite suite;
    try (Client client = Client.builder().endpoints(endpoints).build()) {
      suite = new Suite(client);
      new KvChecks(suite).run();
      new WatchChecks(suite).run();
      new LeaseChecks(suite).run();
      new LockChecks(suite).run();
      new ElectionChecks(suite).run();
      new ClusterChecks(suite, endpoints).run();
    }
    // The client leaves threads behind that end on their own time.
    System.exit(suite.hasFailed() ? 1 : 0);
  }
}
