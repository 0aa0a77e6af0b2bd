package main

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// The bytes are what etcd's own api/v3 v3.7.3 encodes, or decodes.

var testKeys = keyspace{prefix: "k/", count: 1000, values: newValuePool(3, 1)}

const keyInHex = "6b2f303030303030303432"

func TestRequestsAreThoseOfEtcdsApi(t *testing.T) {
	for name, c := range map[string]struct {
		got    []byte
		wanted string
	}{
		"put":        {testKeys.appendPut(nil, 42, []byte("abc")), "0a0b" + keyInHex + "1203616263"},
		"put in txn": {testKeys.appendPutOp(nil, 42, make([]byte, 200)), "12db0112d8010a0b" + keyInHex + "12c801" + strings.Repeat("00", 200)},
		"update of a new key": {
			testKeys.appendUpdate(nil, 42, 0, []byte("abc")),
			"0a1110021a0b" + keyInHex + "3000" + "121412120a0b" + keyInHex + "1203616263" + "1a0f0a0d0a0b" + keyInHex,
		},
		"update": {
			testKeys.appendUpdate(nil, 42, 123456, []byte("abc")),
			"0a1310021a0b" + keyInHex + "30c0c407" + "121412120a0b" + keyInHex + "1203616263" + "1a0f0a0d0a0b" + keyInHex,
		},
		"page": {
			appendVarintField(appendVarintField(
				testKeys.appendRangeFrom(nil, testKeys.appendKey(nil, 42)), rangeLimit, 500), rangeRevision, 7),
			"0a0b" + keyInHex + "12026b3018f4032007",
		},
		"range": {testKeys.appendRangeOfOne(nil, 42), "0a0b" + keyInHex},
		"watch": {appendWatchCreate(nil, testKeys.appendKey(nil, 42)), "0a0d0a0b" + keyInHex},
	} {
		if got := hex.EncodeToString(c.got); got != c.wanted {
			t.Errorf("%s: %s, but %s was wanted", name, got, c.wanted)
		}
	}
}

const (
	headerInHex    = "0a120880808080808080808001100218ac022004"
	keyValueInHex  = "0a0b" + keyInHex + "100518ab0220012a03616263"
	rangeAnswerHex = headerInHex + "120f0a0b6b2f30303030303030343118061219" + keyValueInHex + "180120e807"
)

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	decoded, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestRangeAnswersAreRead(t *testing.T) {
	got, err := decodeRangeAnswer(bytesOf(t, rangeAnswerHex))
	if err != nil || got.revision != 300 || got.keys != 2 || !got.more || got.count != 1000 || string(got.lastKey) != "k/000000042" {
		t.Errorf("%+v, %v", got, err)
	}
	kv, err := decodeKeyValue(got.lastKv)
	if err != nil || kv.modRevision != 299 || string(kv.value) != "abc" {
		t.Errorf("%+v, %v", kv, err)
	}
}

func TestUpdateAnswersTellTheRevisionByEitherBranch(t *testing.T) {
	got, err := decodeUpdateAnswer(bytesOf(t, headerInHex+"10011a0712050a0318ac02"))
	if err != nil || got != (updateAnswer{succeeded: true, modRevision: 300}) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = decodeUpdateAnswer(bytesOf(t, headerInHex+"1a240a220a0318ac021219"+keyValueInHex+"2001"))
	if err != nil || got != (updateAnswer{succeeded: false, modRevision: 299}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMessagesCutShortAreRefused(t *testing.T) {
	whole := bytesOf(t, rangeAnswerHex)
	refused := 0
	for end := range whole {
		if _, err := decodeRangeAnswer(whole[:end]); err != nil {
			refused++
		}
	}
	// Only a cut between two fields leaves a message.
	if refused != len(whole)-5 {
		t.Errorf("%d of %d", refused, len(whole))
	}
}

func TestTheScannerCountsFieldsHoweverTheyAreCut(t *testing.T) {
	whole := bytesOf(t, rangeAnswerHex)
	random := rand.New(rand.NewPCG(5, 6))
	for range 1_000 {
		scanner := fieldScanner{}
		for rest := whole; len(rest) > 0; {
			cut := 1 + random.IntN(len(rest))
			scanner.write(rest[:cut])
			rest = rest[cut:]
		}
		if !scanner.isWhole() || scanner.counts[rangeAnswerKvs] != 2 || scanner.varints[rangeAnswerCount] != 1000 {
			t.Fatalf("%+v", scanner)
		}
	}
	scanner := fieldScanner{}
	scanner.write(whole[:len(whole)-1])
	if scanner.isWhole() {
		t.Error("a message cut short passes for whole")
	}
}

func TestKeysAreInTheOrderOfTheirNumbersAndBeforeTheEnd(t *testing.T) {
	last := ""
	for _, number := range []int{0, 1, 9, 10, 99_999, 100_000, keysMax - 1} {
		key := string(testKeys.appendKey(nil, number))
		if len(key) != testKeys.keyBytes() || key <= last || key >= string(testKeys.end()) {
			t.Errorf("%q after %q", key, last)
		}
		last = key
	}
	if got := (keyspace{prefix: "a\xff\xff"}).end(); string(got) != "b" {
		t.Errorf("%q", got)
	}
}
