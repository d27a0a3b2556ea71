/* Lets one call of the system fail as no system does, so that the code above it panics.
 *
 * Once the file "sleep" exists in the working directory, sleeping fails in the thread that ticks for
 * filters. A client whose first bytes are "PANIC" makes more bytes arrive than there was room for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int fails(void) {
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  return strncmp(name, "linemill-epoch", 14) == 0 && access("sleep", F_OK) == 0;
}

int nanosleep(const struct timespec *time, struct timespec *left) {
  if (fails()) {
    errno = EFAULT;
    return -1;
  }
  return (int)syscall(SYS_nanosleep, time, left);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
  if (fails()) {
    return EFAULT;
  }
  return syscall(SYS_clock_nanosleep, clock, flags, time, left) == 0 ? 0 : errno;
}

ssize_t recv(int fd, void *buffer, size_t size, int flags) {
  ssize_t count = syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);
  if (count >= 5 && !(flags & MSG_PEEK) && memcmp(buffer, "PANIC", 5) == 0) {
    return (ssize_t)size + 1;
  }
  return count;
}
