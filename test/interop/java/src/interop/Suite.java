package interop;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Runs checks one after the other and says on a line each what held: "ok NAME" or "not ok NAME -- WHY". */
final class Suite {
  private static final int CALL_TIMEOUT_SECONDS = 10;
  /** How long a check watches that something does not happen. */
  static final int WAITS_MS = 300;

  /** Checks that need the cluster for themselves, by line, when other suites run beside this one. */
  private static final List<String> LEFT_OUT =
      List.of(Objects.requireNonNullElse(System.getenv("INTEROP_LEAVE_OUT"), "").split("\n"));

  final Client client;
  private boolean failed;

  Suite(Client client) {
    this.client = client;
  }

  interface Check {
    void run() throws Exception;
  }

  void check(String name, Check check) {
    if (LEFT_OUT.contains(name)) {
      return;
    }
    try {
      check.run();
      System.out.println("ok " + name);
    } catch (Exception | AssertionError failure) {
      failed = true;
      System.out.println("not ok " + name + " -- " + String.valueOf(failure).replace('\n', ' '));
    }
  }

  boolean hasFailed() {
    return failed;
  }

  static <T> T await(CompletableFuture<T> future) throws Exception {
    return future.get(CALL_TIMEOUT_SECONDS, TimeUnit.SECONDS);
  }

  static void want(String what, Object got, Object wanted) {
    if (!Objects.equals(got, wanted)) {
      throw new AssertionError(what + " is " + got + ", not " + wanted);
    }
  }

  /** Some calls put the name of the code before the message, and some have a class of their own for it. */
  static void wantRefusal(String message, Callable<CompletableFuture<?>> call) throws Exception {
    try {
      await(call.call());
    } catch (ExecutionException failure) {
      Throwable cause = failure.getCause();
      String got = Objects.requireNonNullElse(cause.getMessage(), cause.getClass().getSimpleName());
      want("message", got.replaceFirst("^[A-Z_]+: ", ""), message);
      return;
    }
    throw new AssertionError("it succeeded instead of " + message);
  }

  static void stillWaits(CompletableFuture<?> future) throws InterruptedException {
    Thread.sleep(WAITS_MS);
    want("is done", future.isDone(), false);
  }

  static ByteSequence bytes(String text) {
    return ByteSequence.from(text, StandardCharsets.UTF_8);
  }

  static String text(ByteSequence bytes) {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  /** Puts a key and answers its revision. */
  long put(String key, String value) throws Exception {
    return await(client.getKVClient().put(bytes(key), bytes(value))).getHeader().getRevision();
  }

  long grant(long seconds) throws Exception {
    return await(client.getLeaseClient().grant(seconds)).getID();
  }
}
