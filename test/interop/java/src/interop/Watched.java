package interop;

import static interop.Suite.text;
import static interop.Suite.want;

import io.etcd.jetcd.Watch;
import io.etcd.jetcd.watch.WatchEvent;
import io.etcd.jetcd.watch.WatchResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What a watch was told: responses, or the error that ended it, in their order. */
final class Watched implements Watch.Listener {
  private static final int TIMEOUT_SECONDS = 15;
  private final BlockingQueue<Object> told = new LinkedBlockingQueue<>();

  @Override
  public void onNext(WatchResponse response) {
    told.add(response);
  }

  @Override
  public void onError(Throwable error) {
    told.add(error);
  }

  @Override
  public void onCompleted() {}

  private Object next() throws InterruptedException {
    Object next = told.poll(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("the watch was told nothing more");
    }
    return next;
  }

  WatchResponse response() throws InterruptedException {
    Object next = next();
    if (next instanceof Throwable) {
      throw new AssertionError("the watch ended: " + next);
    }
    return (WatchResponse) next;
  }

  Throwable error() throws InterruptedException {
    Object next = next();
    while (next instanceof WatchResponse) {
      next = next();
    }
    return (Throwable) next;
  }

  /** Reads as many events as are wanted and compares them. */
  void wantChanges(String... wanted) throws InterruptedException {
    List<String> got = new ArrayList<>();
    while (got.size() < wanted.length) {
      for (WatchEvent event : response().getEvents()) {
        got.add(change(event));
      }
    }
    want("events", got, List.of(wanted));
  }

  private static String change(WatchEvent event) {
    String change = event.getEventType() + " " + text(event.getKeyValue().getKey());
    if (event.getEventType() == WatchEvent.EventType.PUT) {
      change += "=" + text(event.getKeyValue().getValue());
    }
    boolean hasPrevious = event.getPrevKV() != null && event.getPrevKV().getModRevision() != 0;
    return hasPrevious ? change + " was " + text(event.getPrevKV().getValue()) : change;
  }
}
