package interop;

import static interop.Suite.await;
import static interop.Suite.bytes;
import static interop.Suite.stillWaits;
import static interop.Suite.text;
import static interop.Suite.want;
import static interop.Suite.wantRefusal;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Lock;
import io.etcd.jetcd.lock.LockResponse;
import java.util.concurrent.CompletableFuture;

final class LockChecks {
  private final Suite suite;
  private final Lock locks;

  LockChecks(Suite suite) {
    this.suite = suite;
    this.locks = suite.client.getLockClient();
  }

  void run() {
    suite.check("lock: held, waited for and handed on", this::handedOn);
    suite.check("lock: the lease of the holder ends", this::holderLost);
    suite.check("lock: the lease ends while it waits", this::waiterLost);
  }

  private void handedOn() throws Exception {
    long first = suite.grant(60);
    long second = suite.grant(60);
    ByteSequence held = await(locks.lock(bytes("jv-lock"), first)).getKey();
    want("key", text(held), "jv-lock/" + Long.toHexString(first));
    want("key of the same lease", await(locks.lock(bytes("jv-lock"), first)).getKey(), held);
    CompletableFuture<LockResponse> waiting = locks.lock(bytes("jv-lock"), second);
    stillWaits(waiting);
    await(locks.unlock(held));
    ByteSequence next = await(waiting).getKey();
    want("key", text(next), "jv-lock/" + Long.toHexString(second));
    await(locks.unlock(next));
  }

  private void holderLost() throws Exception {
    long first = suite.grant(60);
    await(locks.lock(bytes("jv-end"), first));
    CompletableFuture<LockResponse> waiting = locks.lock(bytes("jv-end"), suite.grant(60));
    stillWaits(waiting);
    await(suite.client.getLeaseClient().revoke(first));
    await(locks.unlock(await(waiting).getKey()));
  }

  private void waiterLost() throws Exception {
    long second = suite.grant(60);
    ByteSequence held = await(locks.lock(bytes("jv-lost"), suite.grant(60))).getKey();
    CompletableFuture<LockResponse> waiting = locks.lock(bytes("jv-lost"), second);
    stillWaits(waiting);
    await(suite.client.getLeaseClient().revoke(second));
    await(locks.unlock(held));
    wantRefusal("mutex: session is expired", () -> waiting);
  }
}
