package interop;

import static interop.Suite.await;
import static interop.Suite.bytes;
import static interop.Suite.text;
import static interop.Suite.want;
import static interop.Suite.wantRefusal;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.KV;
import io.etcd.jetcd.Lease;
import io.etcd.jetcd.lease.LeaseKeepAliveResponse;
import io.etcd.jetcd.lease.LeaseTimeToLiveResponse;
import io.etcd.jetcd.options.LeaseOption;
import io.etcd.jetcd.options.PutOption;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.support.CloseableClient;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

final class LeaseChecks {
  private static final long NEVER = 0x1234567890abcdefL;
  private final Suite suite;
  private final KV kv;
  private final Lease leases;

  LeaseChecks(Suite suite) {
    this.suite = suite;
    this.kv = suite.client.getKVClient();
    this.leases = suite.client.getLeaseClient();
  }

  void run() {
    suite.check("lease: grant, time to live, revoke", this::life);
    suite.check("lease: it expires, and its key with it", this::expiry);
    suite.check("lease: keepAliveOnce", this::keepAliveOnce);
    suite.check("lease: the observer of keepAlive is told of every renewal", this::keepAlive);
    suite.check("lease: the observer of keepAlive is told of the end", this::keepAliveEnds);
    suite.check("lease: one that is not there", this::notThere);
  }

  private void attach(String key, long lease) throws Exception {
    await(kv.put(bytes(key), bytes("x"), PutOption.builder().withLeaseId(lease).build()));
  }

  private void life() throws Exception {
    long lease = suite.grant(60);
    attach("jv/l/b", lease);
    attach("jv/l/a", lease);
    LeaseTimeToLiveResponse left = await(leases.timeToLive(lease, LeaseOption.builder().withAttachedKeys().build()));
    List<String> keys = new ArrayList<>();
    for (ByteSequence key : left.getKeys()) {
      keys.add(text(key));
    }
    Collections.sort(keys);
    want("granted", left.getGrantedTTL(), 60L);
    want("keys", keys, List.of("jv/l/a", "jv/l/b"));
    await(leases.revoke(lease));
    want("keys left", await(kv.get(bytes("jv/l/a"))).getCount(), 0L);
  }

  private void expiry() throws Exception {
    long lease = suite.grant(1);
    Watched watched = new Watched();
    suite.client.getWatchClient().watch(bytes("jv/short"), WatchOption.builder().withCreateNotify(true).build(), watched);
    watched.response();
    attach("jv/short", lease);
    watched.wantChanges("PUT jv/short=x", "DELETE jv/short");
    want("time to live", await(leases.timeToLive(lease, LeaseOption.DEFAULT)).getTTL(), -1L);
  }

  private void keepAliveOnce() throws Exception {
    long lease = suite.grant(30);
    want("renewed for", await(leases.keepAliveOnce(lease)).getTTL(), 30L);
    await(leases.revoke(lease));
  }

  private void keepAlive() throws Exception {
    long lease = suite.grant(2);
    Renewals renewals = new Renewals();
    try (CloseableClient kept = leases.keepAlive(lease, renewals)) {
      Thread.sleep(4_000);
      want("there", await(leases.timeToLive(lease, LeaseOption.DEFAULT)).getTTL() >= 0, true);
    }
    want("renewed several times", renewals.count.get() >= 2, true);
    await(leases.revoke(lease));
  }

  private void keepAliveEnds() throws Exception {
    long lease = suite.grant(2);
    Renewals renewals = new Renewals();
    leases.keepAlive(lease, renewals);
    await(leases.revoke(lease));
    await(renewals.ended);
  }

  private void notThere() throws Exception {
    wantRefusal("etcdserver: requested lease not found", () -> leases.revoke(NEVER));
    want("time to live", await(leases.timeToLive(NEVER, LeaseOption.DEFAULT)).getTTL(), -1L);
  }

  private static final class Renewals implements StreamObserver<LeaseKeepAliveResponse> {
    final AtomicInteger count = new AtomicInteger();
    final CompletableFuture<Void> ended = new CompletableFuture<>();

    @Override
    public void onNext(LeaseKeepAliveResponse response) {
      count.incrementAndGet();
    }

    @Override
    public void onError(Throwable error) {
      ended.complete(null);
    }

    @Override
    public void onCompleted() {
      ended.complete(null);
    }
  }
}
