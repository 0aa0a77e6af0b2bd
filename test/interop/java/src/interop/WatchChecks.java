package interop;

import static interop.Suite.await;
import static interop.Suite.bytes;
import static interop.Suite.want;

import io.etcd.jetcd.KV;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.common.exception.CompactedException;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchResponse;

final class WatchChecks {
  private final Suite suite;
  private final KV kv;
  private final Watch watch;

  WatchChecks(Suite suite) {
    this.suite = suite;
    this.kv = suite.client.getKVClient();
    this.watch = suite.client.getWatchClient();
  }

  void run() {
    suite.check("watch: created, then events", this::live);
    suite.check("watch: from a revision of the past, with the previous pairs", this::past);
    suite.check("watch: filters", this::filters);
    suite.check("watch: progress that is asked for", this::progress);
    suite.check("watch: progress notifications", this::notified);
    suite.check("watch: ended below the compact revision", this::compacted);
    suite.check("watch: one that is closed is told nothing more", this::closed);
    suite.check("watch: requires a leader", this::requiresLeader);
  }

  private static WatchOption.Builder options() {
    return WatchOption.builder().withCreateNotify(true);
  }

  private Watched begun(String key, WatchOption.Builder options) throws InterruptedException {
    Watched watched = new Watched();
    watch.watch(bytes(key), options.build(), watched);
    want("created", watched.response().isCreatedNotify(), true);
    return watched;
  }

  private void live() throws Exception {
    Watched watched = begun("jv/w", options());
    suite.put("jv/w", "1");
    suite.put("jv/other", "x");
    await(kv.delete(bytes("jv/w")));
    watched.wantChanges("PUT jv/w=1", "DELETE jv/w");
  }

  private void past() throws Exception {
    long revision = suite.put("jv/p/a", "1");
    suite.put("jv/p/a", "2");
    await(kv.delete(bytes("jv/p/a")));
    Watched watched = begun("jv/p/", options().isPrefix(true).withRevision(revision).withPrevKV(true));
    watched.wantChanges("PUT jv/p/a=1", "PUT jv/p/a=2 was 1", "DELETE jv/p/a was 2");
  }

  private void filters() throws Exception {
    long revision = suite.put("jv/f", "1");
    await(kv.delete(bytes("jv/f")));
    suite.put("jv/f", "2");
    begun("jv/f", options().withRevision(revision).withNoPut(true)).wantChanges("DELETE jv/f");
    begun("jv/f", options().withRevision(revision).withNoDelete(true)).wantChanges("PUT jv/f=1", "PUT jv/f=2");
  }

  private void progress() throws Exception {
    Watched watched = new Watched();
    try (Watch.Watcher watcher = watch.watch(bytes("jv/quiet"), options().build(), watched)) {
      watched.response();
      long revision = suite.put("jv/loud", "1");
      long reached = 0;
      while (reached < revision) {
        watcher.requestProgress();
        reached = progressOf(watched.response());
      }
    }
  }

  private void notified() throws Exception {
    Watched watched = begun("jv/quiet", options().withProgressNotify(true));
    long revision = suite.put("jv/loud", "2");
    long reached = 0;
    while (reached < revision) {
      reached = progressOf(watched.response());
    }
  }

  private static long progressOf(WatchResponse response) {
    want("is progress", response.isProgressNotify(), true);
    return response.getHeader().getRevision();
  }

  private void compacted() throws Exception {
    long old = suite.put("jv/old", "1");
    long revision = suite.put("jv/old", "2");
    await(kv.compact(revision));
    Watched watched = new Watched();
    watch.watch(bytes("jv/old"), WatchOption.builder().withRevision(old).build(), watched);
    Throwable error = watched.error();
    want("is compacted", error instanceof CompactedException, true);
    want("compact revision", ((CompactedException) error).getCompactedRevision(), revision);
  }

  private void closed() throws Exception {
    Watched other = begun("jv/closed", options());
    Watched watched = new Watched();
    Watch.Watcher watcher = watch.watch(bytes("jv/closed"), options().build(), watched);
    watched.response();
    watcher.close();
    want("closed", watcher.isClosed(), true);
    suite.put("jv/closed", "1");
    other.wantChanges("PUT jv/closed=1");
  }

  private void requiresLeader() throws Exception {
    Watched watched = begun("jv/leader", options().withRequireLeader(true));
    suite.put("jv/leader", "1");
    watched.wantChanges("PUT jv/leader=1");
  }
}
