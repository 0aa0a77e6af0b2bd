package main

import (
	"syscall"
	"unsafe"
)

// The sockets never block, so that the scheduler need not be told of these calls: that costs more than many of
// them take.

func readNow(fd uintptr, into []byte) (int, error) {
	return callNow(syscall.SYS_READ, fd, into)
}

func writeNow(fd uintptr, from []byte) (int, error) {
	return callNow(syscall.SYS_WRITE, fd, from)
}

// callNow is for a slice that is not empty.
func callNow(call, fd uintptr, bytes []byte) (int, error) {
	for {
		count, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(&bytes[0])), uintptr(len(bytes)))
		if errno == 0 {
			return int(count), nil
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}
