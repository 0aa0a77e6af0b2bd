package main

// Answers of etcd's API, as far as the work needs them.

const (
	answerHeader   = 1
	headerRevision = 3

	rangeAnswerKvs   = 2
	rangeAnswerMore  = 3
	rangeAnswerCount = 4

	kvKey         = 1
	kvModRevision = 3
	kvValue       = 5

	txnAnswerSucceeded = 2
	txnAnswerResponses = 3
)

// revisionOf reads the revision of a ResponseHeader.
func revisionOf(header []byte) (int64, error) {
	revision := int64(0)
	f := fieldsOf(header)
	for f.next() {
		if f.number == headerRevision {
			revision = int64(f.value)
		}
	}
	return revision, f.err()
}

// rangeAnswer is a RangeResponse; lastKey lies in the message.
type rangeAnswer struct {
	revision int64
	keys     int
	lastKey  []byte
	lastKv   []byte
	more     bool
	count    int64
}

func decodeRangeAnswer(message []byte) (rangeAnswer, error) {
	answer := rangeAnswer{}
	f := fieldsOf(message)
	for f.next() {
		switch f.number {
		case answerHeader:
			revision, err := revisionOf(f.bytes)
			if err != nil {
				return answer, err
			}
			answer.revision = revision
		case rangeAnswerKvs:
			answer.keys++
			answer.lastKv = f.bytes
		case rangeAnswerMore:
			answer.more = f.value != 0
		case rangeAnswerCount:
			answer.count = int64(f.value)
		}
	}
	if answer.keys > 0 {
		kv, err := decodeKeyValue(answer.lastKv)
		if err != nil {
			return answer, err
		}
		answer.lastKey = kv.key
	}
	return answer, f.err()
}

// keyValue lies in the message.
type keyValue struct {
	key, value  []byte
	modRevision int64
}

func decodeKeyValue(message []byte) (keyValue, error) {
	kv := keyValue{}
	f := fieldsOf(message)
	for f.next() {
		switch f.number {
		case kvKey:
			kv.key = f.bytes
		case kvValue:
			kv.value = f.bytes
		case kvModRevision:
			kv.modRevision = int64(f.value)
		}
	}
	return kv, f.err()
}

// updateAnswer is the TxnResponse to an update: the key's mod revision, by whichever branch was taken.
type updateAnswer struct {
	succeeded   bool
	modRevision int64
}

func decodeUpdateAnswer(message []byte) (updateAnswer, error) {
	answer := updateAnswer{}
	revision := int64(0)
	var response []byte
	f := fieldsOf(message)
	for f.next() {
		switch f.number {
		case answerHeader:
			found, err := revisionOf(f.bytes)
			if err != nil {
				return answer, err
			}
			revision = found
		case txnAnswerSucceeded:
			answer.succeeded = f.value != 0
		case txnAnswerResponses:
			response = f.bytes
		}
	}
	if f.bad {
		return answer, errMalformed
	}
	if answer.succeeded {
		answer.modRevision = revision
		return answer, nil
	}
	op := fieldsOf(response)
	for op.next() {
		if op.number != opRange {
			continue
		}
		found, err := decodeRangeAnswer(op.bytes)
		if err != nil {
			return answer, err
		}
		if found.keys == 1 {
			kv, err := decodeKeyValue(found.lastKv)
			answer.modRevision = kv.modRevision
			return answer, err
		}
	}
	return answer, op.err()
}
