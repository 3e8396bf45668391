/* Sends the packets of a pcap file (microseconds or nanoseconds, this machine's byte order) through an interface,
   over and over, at a steady rate:  blast INTERFACE FILE PACKETS RATE   (rate in packets a second, 0 for all it can)
   Each round uses other high ports than the one before: its connections are new ones, not repetitions.
   Prints how many went out and how long it took. For benchmarks/live.py, in a network namespace of its own. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
/* Ports above LAST_KEPT move on by STEP from round to round; those of servers, and of firmware that always uses the
   same one, stay. A capture may use STEP neighbouring ports for one machine. */
#define LAST_KEPT 5000
#define STEP 16

static uint16_t get16(const uint8_t *at)
{
    return at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = value >> 8;
    at[1] = value & 0xff;
}

/* RFC 1624, equation 3: the checksum once a 16 bit field has changed. */
static uint16_t patched(uint16_t checksum, uint16_t before, uint16_t after)
{
    uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~before + after;
    sum = (sum & 0xffff) + (sum >> 16);
    return ~((sum & 0xffff) + (sum >> 16));
}

/* Move the ports of a TCP or UDP packet over IPv4, untagged; any other frame stays as it is. */
static void next_round(uint8_t *frame, uint32_t length)
{
    if (length < 14 + 20 || get16(frame + 12) != 0x0800)
        return;
    uint8_t *ip = frame + 14, protocol = ip[9];
    uint32_t checksum_at = protocol == 6 ? 16 : 6, transport_at = 14 + (ip[0] & 15) * 4u;
    int later_fragment = get16(ip + 6) & 0x1fff;
    if ((protocol != 6 && protocol != 17) || later_fragment || length < transport_at + checksum_at + 2)
        return;
    uint8_t *transport = frame + transport_at;
    uint16_t checksum = get16(transport + checksum_at);
    int unused = protocol == 17 && !checksum;
    for (int side = 0; side < 4; side += 2) {
        uint16_t before = get16(transport + side);
        if (before <= LAST_KEPT)
            continue;
        uint32_t after = before + STEP;
        if (after > 65535)
            after -= 65535 - LAST_KEPT;
        put16(transport + side, after);
        checksum = patched(checksum, before, after);
    }
    if (!unused)
        put16(transport + checksum_at, protocol == 17 && !checksum ? 0xffff : checksum);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: blast INTERFACE FILE PACKETS RATE\n");
        return 2;
    }
    long wanted = atol(argv[3]);
    double rate = atof(argv[4]);
    int file = open(argv[2], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status)) {
        perror(argv[2]);
        return 1;
    }
    /* Private, writable and populated: the pages are copied now and not while sending. */
    char *data = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, file, 0);
    int out = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(argv[1])};
    if (data == MAP_FAILED || out < 0 || bind(out, (struct sockaddr *)&to, sizeof to)) {
        perror(argv[1]);
        return 1;
    }
    setsockopt(out, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
    char *at = data + 24, *end = data + status.st_size;
    long sent = 0, bytes = 0, round = 0;
    double start = now();
    while (sent < wanted) {
        struct mmsghdr messages[BATCH];
        struct iovec pieces[BATCH];
        memset(messages, 0, sizeof messages);
        int count = 0;
        for (; count < BATCH && sent + count < wanted; count++) {
            if (at + 16 > end) {
                at = data + 24;
                round++;
            }
            uint32_t length = ((uint32_t *)at)[2];
            if (round)
                next_round((uint8_t *)at + 16, length);
            pieces[count] = (struct iovec){at + 16, length};
            messages[count].msg_hdr.msg_iov = &pieces[count];
            messages[count].msg_hdr.msg_iovlen = 1;
            at += 16 + length;
        }
        for (int done = 0; done < count;) {
            int went = sendmmsg(out, messages + done, count - done, 0);
            if (went < 0 && errno != ENOBUFS && errno != EAGAIN) {
                perror("send");
                return 1;
            }
            for (int i = 0; i < went; i++)
                bytes += pieces[done + i].iov_len;
            done += went > 0 ? went : 0;
        }
        sent += count;
        if (rate > 0) {
            double due = start + sent / rate, ahead = due - now();
            if (ahead > 0.0005) {
                struct timespec pause = {0, (long)(ahead * 1e9)};
                nanosleep(&pause, NULL);
            }
        }
    }
    printf("%ld %ld %.3f\n", sent, bytes, now() - start);
    return 0;
}
