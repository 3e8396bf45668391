/* Sends the packets of a pcap file (microseconds or nanoseconds, this machine's byte order) through an interface,
   over and over, at a steady rate:  blast INTERFACE FILE PACKETS RATE   (rate in packets a second, 0 for all it can)
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
    char *data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    int out = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(argv[1])};
    if (data == MAP_FAILED || out < 0 || bind(out, (struct sockaddr *)&to, sizeof to)) {
        perror(argv[1]);
        return 1;
    }
    setsockopt(out, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
    char *at = data + 24, *end = data + status.st_size;
    long sent = 0, bytes = 0;
    double start = now();
    while (sent < wanted) {
        struct mmsghdr messages[BATCH];
        struct iovec pieces[BATCH];
        memset(messages, 0, sizeof messages);
        int count = 0;
        for (; count < BATCH && sent + count < wanted; count++) {
            if (at + 16 > end)
                at = data + 24;
            uint32_t length = ((uint32_t *)at)[2];
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
