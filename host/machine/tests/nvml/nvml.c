/* A stand-in for NVIDIA's management library with two cards, the second one split (MIG).
 *
 * It does as the file says that lies beside it under its own name with `.says` behind: `absent` (no driver), `mismatch` (a driver
 * that was replaced), `uninitialized`, `lost` (the second card has fallen off the bus), `failing` (a sensor does not answer), `old`
 * (a driver that knows less), `xid` (an error of the second card), or anything else for all being well. When it is initialized and
 * shut down it writes into `.log`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, UNSUPPORTED = 3, NOT_FOUND = 6, SHORT = 7, NO_DRIVER = 9, TIMEOUT = 10, LOST = 15, MISMATCH = 18,
       UNKNOWN = 999 };

typedef struct card { unsigned index; } card;
static card cards[2] = {{0}, {1}}, parts[2] = {{10}, {11}};
static int initialized;

static void beside(const char *suffix, char *path, size_t size) {
    Dl_info info;
    path[0] = 0;
    if (dladdr((void *)beside, &info)) snprintf(path, size, "%s%s", info.dli_fname, suffix);
}

static int says(const char *word) {
    char path[4096], said[64] = {0};
    beside(".says", path, sizeof path);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t read = fread(said, 1, sizeof said - 1, file);
    fclose(file);
    (void)read;
    return strcmp(said, word) == 0;
}

static void tell(const char *line) {
    char path[4096];
    beside(".log", path, sizeof path);
    FILE *file = fopen(path, "a");
    if (!file) return;
    fprintf(file, "%s\n", line);
    fclose(file);
}

/* What every question is answered with before it is looked at. */
static int state(const card *device) {
    if (says("mismatch")) return MISMATCH;
    if (says("uninitialized") || !initialized) return UNINITIALIZED;
    if (device == &cards[1] && says("lost")) return LOST;
    return OK;
}

#define CHECK(device) do { int s = state(device); if (s) return s; } while (0)
#define NUMBER(name, type, first, second)                                                                     \
    int name(card *device, type *value) { CHECK(device); *value = device == &cards[0] ? (first) : (second); return OK; }
#define PART(device) (device == &parts[0] || device == &parts[1])

int nvmlInit_v2(void) {
    if (says("absent")) return NO_DRIVER;
    if (says("mismatch")) return MISMATCH;
    initialized = 1;
    tell("init");
    return OK;
}
int nvmlShutdown(void) { initialized = 0; tell("shutdown"); return OK; }

static int text(char *to, unsigned size, const char *from) {
    if (strlen(from) >= size) return SHORT;
    strcpy(to, from);
    return OK;
}

int nvmlSystemGetDriverVersion(char *to, unsigned size) { CHECK(0); return text(to, size, "570.86.15"); }
int nvmlSystemGetProcessName(unsigned pid, char *to, unsigned size) {
    CHECK(0);
    return pid == 4242 ? text(to, size, "/usr/bin/python3") : NOT_FOUND;
}
int nvmlDeviceGetCount_v2(unsigned *count) { CHECK(0); *count = 2; return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, card **device) {
    if (index > 1) return INVALID;
    CHECK(&cards[index]);
    *device = &cards[index];
    return OK;
}
int nvmlDeviceGetUUID(card *device, char *to, unsigned size) {
    CHECK(device);
    if (PART(device)) return text(to, size, device == &parts[0] ? "MIG-0000000a" : "MIG-0000000b");
    return text(to, size, device == &cards[0] ? "GPU-00000000" : "GPU-00000001");
}
int nvmlDeviceGetName(card *device, char *to, unsigned size) {
    CHECK(device);
    if (PART(device)) return text(to, size, device == &parts[0] ? "NVIDIA A100 MIG 1g.5gb" : "NVIDIA A100 MIG 2g.10gb");
    return text(to, size, device == &cards[0] ? "NVIDIA L4" : "NVIDIA A100");
}
int nvmlDeviceGetSerial(card *device, char *to, unsigned size) {
    CHECK(device);
    return device == &cards[0] ? UNSUPPORTED : text(to, size, "1320000000001");
}
NUMBER(nvmlDeviceGetMinorNumber, unsigned, 3, 1)

struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };
int nvmlDeviceGetPciInfo_v3(card *device, struct pci *pci) {
    CHECK(device);
    memset(pci, 0, sizeof *pci);
    strcpy(pci->bus_id, device == &cards[0] ? "00000000:3B:00.0" : "00000000:5E:00.0");
    return OK;
}

struct utilization { unsigned gpu, memory; };
int nvmlDeviceGetUtilizationRates(card *device, struct utilization *rates) {
    CHECK(device);
    if (device != &cards[0]) return UNSUPPORTED; /* As of a card that is split. */
    rates->gpu = 73;
    rates->memory = 41;
    return OK;
}
int nvmlDeviceGetEncoderUtilization(card *device, unsigned *value, unsigned *period) {
    CHECK(device);
    if (device != &cards[0]) return UNSUPPORTED;
    *value = 12, *period = 1000;
    return OK;
}
int nvmlDeviceGetDecoderUtilization(card *device, unsigned *value, unsigned *period) {
    CHECK(device);
    if (device != &cards[0]) return UNSUPPORTED;
    *value = 34, *period = 1000;
    return OK;
}

struct memory { unsigned version; unsigned long long total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(card *device, struct memory *memory) {
    CHECK(device);
    unsigned long long mib = 1024 * 1024;
    unsigned long long total = device == &cards[0] ? 24576 : device == &cards[1] ? 40960 : device == &parts[0] ? 4864 : 9856;
    unsigned long long used = device == &cards[0] ? 6144 : device == &cards[1] ? 1000 : device == &parts[0] ? 1216 : 0;
    memory->total = total * mib, memory->used = used * mib, memory->reserved = 256 * mib;
    memory->free = (total - used - 256) * mib;
    return OK;
}
int nvmlDeviceGetTemperature(card *device, int sensor, unsigned *value) {
    CHECK(device);
    if (says("failing") && device == &cards[0]) return UNKNOWN;
    *value = sensor == 0 ? device == &cards[0] ? 56 : 61 : 0;
    return OK;
}
NUMBER(nvmlDeviceGetPowerUsage, unsigned, 71500, 250250)
NUMBER(nvmlDeviceGetPowerManagementLimit, unsigned, 72000, 400000)
NUMBER(nvmlDeviceGetTotalEnergyConsumption, unsigned long long, 123456789ULL, 987654321ULL)
int nvmlDeviceGetClockInfo(card *device, int clock, unsigned *value) {
    CHECK(device);
    *value = clock == 1 ? 2040 : clock == 2 ? 6251 : 0;
    return OK;
}
int nvmlDeviceGetTotalEccErrors(card *device, int kind, int counter, unsigned long long *value) {
    CHECK(device);
    if (device == &cards[0]) return UNSUPPORTED;
    *value = kind == 0 ? (counter == 0 ? 5 : 50) : (counter == 0 ? 1 : 2);
    return OK;
}
int nvmlDeviceGetNumFans(card *device, unsigned *count) { CHECK(device); *count = device == &cards[0] ? 1 : 0; return OK; }
int nvmlDeviceGetFanSpeed_v2(card *device, unsigned fan, unsigned *value) { CHECK(device); *value = 45 + fan; return OK; }
struct fan { unsigned version, fan, speed; };
int nvmlDeviceGetFanSpeedRPM(card *device, struct fan *fan) {
    CHECK(device);
    if (says("old")) return UNSUPPORTED;
    fan->speed = 1800;
    return OK;
}
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, unsigned long long, 4ULL, 1ULL)
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, unsigned long long, 4ULL, 1ULL)
int nvmlDeviceGetPcieThroughput(card *device, int counter, unsigned *value) {
    CHECK(device);
    *value = counter == 0 ? 1111 : 2222;
    return OK;
}
NUMBER(nvmlDeviceGetPcieReplayCounter, unsigned, 7, 0)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, unsigned, 4, 4)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, unsigned, 16, 8)
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, int, 0, 0)

struct field { unsigned id, scope; long long time, latency; int type, result; union { double d; unsigned long long u; } value; };
int nvmlDeviceGetFieldValues(card *device, int count, struct field *fields) {
    CHECK(device);
    for (int at = 0; at < count; at++) {
        struct field *field = &fields[at];
        field->type = 3; /* unsigned long long */
        field->result = OK;
        switch (field->id) {
        case 82: field->value.u = 64; field->result = device == &cards[0] ? UNSUPPORTED : OK; break;
        case 197: field->value.u = 5000000000ULL; field->result = says("old") ? INVALID : OK; break;
        case 198: field->value.u = 6000000000ULL; field->result = says("old") ? INVALID : OK; break;
        case 66: field->value.u = 777; break;
        case 38: field->value.u = 21; break;
        case 45: field->value.u = 22; break;
        case 52: field->value.u = 23; break;
        case 59: field->value.u = 24; break;
        case 142: field->value.u = 31; break;
        case 143: field->value.u = 32; break;
        case 145: field->value.u = 0; break;
        default: field->result = INVALID;
        }
    }
    return OK;
}

int nvmlDeviceGetMigMode(card *device, unsigned *current, unsigned *pending) {
    CHECK(device);
    if (device == &cards[0]) return UNSUPPORTED;
    *current = *pending = 1;
    return OK;
}
int nvmlDeviceGetMaxMigDeviceCount(card *device, unsigned *count) { CHECK(device); *count = 7; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(card *device, unsigned index, card **part) {
    CHECK(device);
    if (index != 0 && index != 3) return NOT_FOUND;
    *part = &parts[index == 3];
    return OK;
}

struct process { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; };
int nvmlDeviceGetComputeRunningProcesses_v3(card *device, unsigned *count, struct process *processes) {
    CHECK(device);
    unsigned there = device == &cards[0] ? 2 : 0;
    if (*count < there) { *count = there; return SHORT; }
    *count = there;
    for (unsigned at = 0; at < there; at++) {
        processes[at] = (struct process){4242 + at, (at + 1) * 1048576ULL, 0xFFFFFFFFu, 0xFFFFFFFFu};
    }
    return OK;
}

struct event { card *device; unsigned long long type, data; unsigned gpu_instance, compute_instance; };
static card *sets[2];
static unsigned count_of_sets;
int nvmlEventSetCreate(card ***set) { CHECK(0); *set = &sets[count_of_sets++ % 2]; return OK; }
int nvmlDeviceRegisterEvents(card *device, unsigned long long types, card **set) {
    CHECK(device);
    if (types != 8) return INVALID;
    *set = device;
    return OK;
}
int nvmlEventSetWait_v2(card **set, struct event *event, unsigned milliseconds) {
    (void)milliseconds;
    CHECK(*set);
    static int told;
    if (*set != &cards[1] || !says("xid") || told) return TIMEOUT;
    told = 1;
    *event = (struct event){*set, 8, 79, 0, 0};
    return OK;
}
int nvmlEventSetFree(card **set) { *set = 0; return OK; }
