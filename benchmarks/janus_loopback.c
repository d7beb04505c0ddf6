/* Preloaded into Janus, which skips loopback interfaces: clears the flag that it looks for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>

int getifaddrs(struct ifaddrs **list) {
  int (*real)(struct ifaddrs **) = (int (*)(struct ifaddrs **))dlsym(RTLD_NEXT, "getifaddrs");
  int result = real(list);
  for (struct ifaddrs *item = result ? 0 : *list; item; item = item->ifa_next)
    item->ifa_flags &= ~(unsigned)IFF_LOOPBACK;
  return result;
}
