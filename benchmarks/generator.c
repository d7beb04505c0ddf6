/* Sends paced SRTP bursts and receives what is forwarded; driven from Python, which sets up.
 *
 * Compiled at run time, without headers of third parties: the caller hands in libsrtp's functions
 * and sessions as addresses. Datagrams that are not SRTP go back to Python over a socket pair.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LEGS = 1024, BATCH = 64, DATAGRAM = 1600, STAMP = 20, HEADER = 12, DRAIN_NS = 400000000 };
#define MAGIC "FORWARD1"

typedef int (*transform)(void *session, void *packet, int *length);

typedef struct {
  int descriptor, is_publisher, number;
  struct sockaddr_in peer;
  void *outbound, *inbound;
  uint32_t ssrc, timestamp;
  uint16_t sequence;
  uint8_t payload_type, extension[64];
  int extension_size, send_time_offset;
  uint64_t next, received;
} leg;

typedef struct {
  double seconds, bursts_per_second;
  int packets_per_burst, payload_size, sample_every, is_keyframe;
} load;

typedef struct {
  uint64_t sent, received, sampled, bad, rtcp, other, latencies;
  double cpu_seconds, seconds, latest_send;
} counts;

static transform protect, unprotect;
static leg legs[MAX_LEGS];
static int leg_count, control = -1, poll = -1;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int generator_open(void *protect_function, void *unprotect_function, int control_descriptor) {
  if (poll >= 0) close(poll);
  protect = (transform)protect_function;
  unprotect = (transform)unprotect_function;
  control = control_descriptor;
  leg_count = 0;
  poll = epoll_create1(0);
  return poll;
}

int generator_add(int descriptor, uint32_t address, uint16_t port, void *outbound, void *inbound,
                  int is_publisher, uint32_t ssrc, int payload_type, const uint8_t *extension,
                  int extension_size, int send_time_offset) {
  if (leg_count == MAX_LEGS || extension_size > 64) return -1;
  leg *l = &legs[leg_count];
  memset(l, 0, sizeof *l);
  l->descriptor = descriptor;
  l->number = leg_count;
  l->peer.sin_family = AF_INET;
  l->peer.sin_port = htons(port);
  l->peer.sin_addr.s_addr = address;
  l->outbound = outbound;
  l->inbound = inbound;
  l->is_publisher = is_publisher;
  l->ssrc = ssrc;
  l->sequence = 1000;
  l->payload_type = (uint8_t)payload_type;
  memcpy(l->extension, extension, (size_t)extension_size);
  l->extension_size = extension_size;
  l->send_time_offset = send_time_offset;
  int one = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)leg_count};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event)) return -1;
  return leg_count++;
}

/* What follows the stamp: the same for the whole stream, different between streams. */
static void fill(uint8_t *payload, int size, int number) {
  memset(payload, 0xA0 ^ number, (size_t)size);
  memcpy(payload + 12, MAGIC, 8);
}

static int build(leg *l, uint8_t *packet, const load *w, int index, uint64_t stamp) {
  int is_last = index == w->packets_per_burst - 1;
  packet[0] = l->extension_size ? 0x90 : 0x80;
  packet[1] = l->payload_type | (is_last ? 0x80 : 0);
  packet[2] = l->sequence >> 8;
  packet[3] = l->sequence & 0xFF;
  l->sequence++;
  uint32_t timestamp = htonl(l->timestamp), ssrc = htonl(l->ssrc);
  memcpy(packet + 4, &timestamp, 4);
  memcpy(packet + 8, &ssrc, 4);
  memcpy(packet + HEADER, l->extension, (size_t)l->extension_size);
  if (l->send_time_offset >= 0) {
    /* 24 bits of seconds in 6.18 fixed point. */
    uint64_t second = stamp / 1000000000u % 64, part = stamp % 1000000000u;
    uint32_t time = (uint32_t)(second << 18 | (part << 18) / 1000000000u);
    uint8_t *place = packet + HEADER + l->send_time_offset;
    place[0] = (uint8_t)(time >> 16);
    place[1] = (uint8_t)(time >> 8);
    place[2] = (uint8_t)time;
  }
  uint8_t *payload = packet + HEADER + l->extension_size;
  fill(payload, w->payload_size, l->number);
  /* VP8 (RFC 7741): start of partition 0, then the frame's first byte with the key frame bit. */
  payload[0] = index ? 0x00 : 0x10;
  payload[1] = w->is_keyframe ? 0x00 : 0x01;
  memcpy(payload + STAMP, &stamp, 8);
  int length = HEADER + l->extension_size + w->payload_size;
  protect(l->outbound, packet, &length);
  return length;
}

static void send_burst(leg *l, const load *w, counts *c) {
  static uint8_t packets[BATCH][DATAGRAM];
  struct mmsghdr headers[BATCH];
  struct iovec vectors[BATCH];
  uint64_t stamp = now_ns();
  memset(headers, 0, sizeof headers);
  for (int i = 0; i < w->packets_per_burst; i++) {
    vectors[i].iov_base = packets[i];
    vectors[i].iov_len = (size_t)build(l, packets[i], w, i, stamp);
    headers[i].msg_hdr.msg_name = &l->peer;
    headers[i].msg_hdr.msg_namelen = sizeof l->peer;
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  int done = 0;
  while (done < w->packets_per_burst) {
    int sent = sendmmsg(l->descriptor, headers + done, (unsigned)(w->packets_per_burst - done), 0);
    if (sent > 0) done += sent;
    else if (errno != EINTR) break;
  }
  c->sent += (uint64_t)done;
  l->timestamp += (uint32_t)(90000 / w->bursts_per_second);
}

static uint64_t arrival(struct msghdr *header) {
  for (struct cmsghdr *m = CMSG_FIRSTHDR(header); m; m = CMSG_NXTHDR(header, m))
    if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SO_TIMESTAMPNS) {
      struct timespec t;
      memcpy(&t, CMSG_DATA(m), sizeof t);
      return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    }
  return now_ns();
}

/* Decrypt and compare every byte of the payload that the sender wrote. */
static int verify(leg *l, uint8_t *packet, int length, int size, uint64_t *stamp) {
  uint8_t expected[DATAGRAM];
  if (unprotect(l->inbound, packet, &length)) return 0;
  int offset = HEADER + 4 * (packet[0] & 15);
  if (packet[0] & 0x10) offset += 4 + 4 * (packet[offset + 2] << 8 | packet[offset + 3]);
  if (length - offset != size) return 0;
  uint8_t *payload = packet + offset;
  fill(expected, size, payload[2] ^ 0xA0);
  memcpy(stamp, payload + STAMP, 8);
  return !memcmp(payload + 2, expected + 2, STAMP - 2) &&
         !memcmp(payload + STAMP + 8, expected + STAMP + 8, (size_t)(size - STAMP - 8));
}

static void take(leg *l, uint8_t *packet, int length, struct msghdr *header, const load *w,
                 counts *c, float *latencies, uint64_t capacity) {
  if (length < HEADER || packet[0] < 128 || packet[0] > 191) {
    uint8_t copy[DATAGRAM + 2];
    copy[0] = (uint8_t)(l->number >> 8);
    copy[1] = (uint8_t)l->number;
    memcpy(copy + 2, packet, (size_t)length);
    if (send(control, copy, (size_t)length + 2, MSG_DONTWAIT) >= 0) c->other++;
    return;
  }
  if (packet[1] >= 192 && packet[1] <= 223) {
    c->rtcp++;
    return;
  }
  c->received++;
  if (l->received++ % (uint64_t)w->sample_every) return;
  uint64_t at = arrival(header), stamp = 0;
  if (!verify(l, packet, length, w->payload_size, &stamp)) {
    c->bad++;
    return;
  }
  c->sampled++;
  if (c->latencies < capacity) latencies[c->latencies++] = (float)((double)(at - stamp) / 1e3);
}

static void receive(leg *l, const load *w, counts *c, float *latencies, uint64_t capacity) {
  static uint8_t packets[BATCH][DATAGRAM];
  static char ancillary[BATCH][128];
  struct mmsghdr headers[BATCH];
  struct iovec vectors[BATCH];
  memset(headers, 0, sizeof headers);
  for (int i = 0; i < BATCH; i++) {
    vectors[i].iov_base = packets[i];
    vectors[i].iov_len = DATAGRAM;
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_control = ancillary[i];
    headers[i].msg_hdr.msg_controllen = sizeof ancillary[i];
  }
  int count = recvmmsg(l->descriptor, headers, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < count; i++)
    take(l, packets[i], (int)headers[i].msg_len, &headers[i].msg_hdr, w, c, latencies, capacity);
}

/* Send what is due; return when the next burst is. */
static uint64_t send_due(const load *w, counts *c, uint64_t now, uint64_t end, uint64_t stop) {
  uint64_t interval = (uint64_t)(1e9 / w->bursts_per_second), next = stop;
  for (int i = 0; i < leg_count && now < end; i++) {
    leg *l = &legs[i];
    if (!l->is_publisher) continue;
    if (now >= l->next) {
      double late = (double)(now - l->next) / 1e9;
      if (late > c->latest_send) c->latest_send = late;
      send_burst(l, w, c);
      l->next += interval;
    }
    if (l->next < next) next = l->next;
  }
  return next;
}

static double cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_THREAD, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int generator_run(const load *w, counts *c, float *latencies, uint64_t capacity) {
  if (w->packets_per_burst > BATCH || w->payload_size > 1300 || w->payload_size < 64) return -1;
  memset(c, 0, sizeof *c);
  uint64_t begin = now_ns(), start = begin + 2000000;
  uint64_t end = start + (uint64_t)(w->seconds * 1e9), stop = end + DRAIN_NS;
  int publishers = 0, index = 0;
  for (int i = 0; i < leg_count; i++) publishers += legs[i].is_publisher;
  for (int i = 0; i < leg_count; i++)
    if (legs[i].is_publisher)
      legs[i].next = start + (uint64_t)(1e9 / w->bursts_per_second) * (uint64_t)index++ /
                                 (uint64_t)publishers;
  double cpu = cpu_seconds();
  for (uint64_t now = begin; now < stop; now = now_ns()) {
    uint64_t next = send_due(w, c, now, end, stop);
    now = now_ns();
    uint64_t wait = next > now ? next - now : 0;
    struct timespec timeout = {0, (long)(wait > 50000000 ? 50000000 : wait)};
    struct epoll_event events[64];
    int count = epoll_pwait2(poll, events, 64, &timeout, NULL);
    for (int i = 0; i < count; i++)
      receive(&legs[events[i].data.u32], w, c, latencies, capacity);
  }
  c->cpu_seconds = cpu_seconds() - cpu;
  c->seconds = (double)(now_ns() - begin) / 1e9;
  return 0;
}
