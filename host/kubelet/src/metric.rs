//! Every metric that there is: its name, unit, kind and description, the Collector's wherever it has it, and which of them tell
//! of the same thing for different objects.

use host_periodic::{Spec, metrics};

metrics! {
    CONTAINER_CPU_TIME = Counter "container.cpu.time" "s" true
        "Total cumulative CPU time (sum of all cores) spent by the container/pod/node since its creation";
    CONTAINER_CPU_USAGE = Gauge "container.cpu.usage" "{cpu}" true
        "Total CPU usage (sum of all cores per second) averaged over the sample window";
    CONTAINER_FILESYSTEM_AVAILABLE = Gauge "container.filesystem.available" "By" true "Container filesystem available";
    CONTAINER_FILESYSTEM_CAPACITY = Gauge "container.filesystem.capacity" "By" true "Container filesystem capacity";
    CONTAINER_FILESYSTEM_USAGE = Gauge "container.filesystem.usage" "By" true "Container filesystem usage";
    CONTAINER_MEMORY_AVAILABLE = Gauge "container.memory.available" "By" true "Container memory available";
    CONTAINER_MEMORY_MAJOR_PAGE_FAULTS = Gauge "container.memory.major_page_faults" "1" true
        "Container memory major_page_faults";
    CONTAINER_MEMORY_PAGE_FAULTS = Gauge "container.memory.page_faults" "1" true "Container memory page_faults";
    CONTAINER_MEMORY_RSS = Gauge "container.memory.rss" "By" true "Container memory rss";
    CONTAINER_MEMORY_USAGE = Gauge "container.memory.usage" "By" true "Container memory usage";
    CONTAINER_MEMORY_WORKING_SET = Gauge "container.memory.working_set" "By" true "Container memory working_set";
    CONTAINER_UPTIME = Counter "container.uptime" "s" false "The time since the container started";
    CONTAINER_CPU_OF_NODE = Gauge "k8s.container.cpu.node.utilization" "1" false
        "Container cpu utilization as a ratio of the node's capacity";
    CONTAINER_CPU_OF_LIMIT = Gauge "k8s.container.cpu_limit_utilization" "1" false
        "Container cpu utilization as a ratio of the container's limits";
    CONTAINER_CPU_OF_REQUEST = Gauge "k8s.container.cpu_request_utilization" "1" false
        "Container cpu utilization as a ratio of the container's requests";
    CONTAINER_EPHEMERAL_STORAGE_USAGE = Sum "k8s.container.ephemeral_storage.usage" "By" false
        "Ephemeral storage used by the container.";
    CONTAINER_MEMORY_OF_NODE = Gauge "k8s.container.memory.node.utilization" "1" false
        "Container memory utilization as a ratio of the node's capacity";
    CONTAINER_MEMORY_OF_LIMIT = Gauge "k8s.container.memory_limit_utilization" "1" false
        "Container memory utilization as a ratio of the container's limits";
    CONTAINER_MEMORY_OF_REQUEST = Gauge "k8s.container.memory_request_utilization" "1" false
        "Container memory utilization as a ratio of the container's requests";
    CONTAINER_RESTARTS = Gauge "k8s.container.restarts" "{restart}" true
        "How many times the container has restarted in the recent past, as the kubelet tells it: it may forget those of \
         containers whose remains were cleaned up";
    NODE_CPU_TIME = Counter "k8s.node.cpu.time" "s" true
        "Total cumulative CPU time (sum of all cores) spent by the container/pod/node since its creation";
    NODE_CPU_USAGE = Gauge "k8s.node.cpu.usage" "{cpu}" true
        "Total CPU usage (sum of all cores per second) averaged over the sample window";
    NODE_FILESYSTEM_AVAILABLE = Gauge "k8s.node.filesystem.available" "By" true "Node filesystem available";
    NODE_FILESYSTEM_CAPACITY = Gauge "k8s.node.filesystem.capacity" "By" true "Node filesystem capacity";
    NODE_FILESYSTEM_INODE_COUNT = Sum "k8s.node.filesystem.inode.count" "{inode}" false
        "Total number of inodes in the node's root filesystem.";
    NODE_FILESYSTEM_INODE_FREE = Sum "k8s.node.filesystem.inode.free" "{inode}" false
        "Number of free inodes in the node's root filesystem.";
    NODE_FILESYSTEM_USAGE = Gauge "k8s.node.filesystem.usage" "By" true "Node filesystem usage";
    NODE_MEMORY_AVAILABLE = Gauge "k8s.node.memory.available" "By" true "Node memory available";
    NODE_MEMORY_MAJOR_PAGE_FAULTS = Gauge "k8s.node.memory.major_page_faults" "1" true "Node memory major_page_faults";
    NODE_MEMORY_PAGE_FAULTS = Gauge "k8s.node.memory.page_faults" "1" true "Node memory page_faults";
    NODE_MEMORY_RSS = Gauge "k8s.node.memory.rss" "By" true "Node memory rss";
    NODE_MEMORY_USAGE = Gauge "k8s.node.memory.usage" "By" true "Node memory usage";
    NODE_MEMORY_WORKING_SET = Gauge "k8s.node.memory.working_set" "By" true "Node memory working_set";
    NODE_NETWORK_ERRORS = Counter "k8s.node.network.errors" "1" true "Node network errors";
    NODE_NETWORK_IO = Counter "k8s.node.network.io" "By" true "Node network IO";
    NODE_PID_LIMIT = Sum "k8s.node.pid.limit" "{thread}" false
        "The number of threads that the node's operating system lets run at a time";
    NODE_PID_USAGE = Sum "k8s.node.pid.usage" "{thread}" false "The number of threads that run on the node";
    SYSTEM_CPU_TIME = Counter "k8s.node.system_container.cpu.time" "s" false
        "Total cumulative CPU time (sum of all cores) spent by the system container since its creation";
    SYSTEM_CPU_USAGE = Gauge "k8s.node.system_container.cpu.usage" "{cpu}" false
        "Total CPU usage (sum of all cores per second) averaged over the sample window for the system container";
    SYSTEM_MEMORY_USAGE = Gauge "k8s.node.system_container.memory.usage" "By" false "System container memory usage";
    SYSTEM_MEMORY_WORKING_SET = Gauge "k8s.node.system_container.memory.working_set" "By" false
        "System container memory working_set";
    NODE_UPTIME = Counter "k8s.node.uptime" "s" false "The time since the node started";
    POD_CPU_OF_NODE = Gauge "k8s.pod.cpu.node.utilization" "1" false
        "Pod cpu utilization as a ratio of the node's capacity";
    POD_CPU_TIME = Counter "k8s.pod.cpu.time" "s" true
        "Total cumulative CPU time (sum of all cores) spent by the container/pod/node since its creation";
    POD_CPU_USAGE = Gauge "k8s.pod.cpu.usage" "{cpu}" true
        "Total CPU usage (sum of all cores per second) averaged over the sample window";
    POD_CPU_OF_LIMIT = Gauge "k8s.pod.cpu_limit_utilization" "1" false
        "Pod cpu utilization as a ratio of the pod's total container limits. If any container is missing a limit the metric is not emitted.";
    POD_CPU_OF_REQUEST = Gauge "k8s.pod.cpu_request_utilization" "1" false
        "Pod cpu utilization as a ratio of the pod's total container requests. If any container is missing a request the metric is not emitted.";
    POD_FILESYSTEM_AVAILABLE = Gauge "k8s.pod.filesystem.available" "By" true "Pod filesystem available";
    POD_FILESYSTEM_CAPACITY = Gauge "k8s.pod.filesystem.capacity" "By" true "Pod filesystem capacity";
    POD_FILESYSTEM_USAGE = Gauge "k8s.pod.filesystem.usage" "By" true "Pod filesystem usage";
    POD_MEMORY_AVAILABLE = Gauge "k8s.pod.memory.available" "By" true "Pod memory available";
    POD_MEMORY_MAJOR_PAGE_FAULTS = Gauge "k8s.pod.memory.major_page_faults" "1" true "Pod memory major_page_faults";
    POD_MEMORY_OF_NODE = Gauge "k8s.pod.memory.node.utilization" "1" false
        "Pod memory utilization as a ratio of the node's capacity";
    POD_MEMORY_PAGE_FAULTS = Gauge "k8s.pod.memory.page_faults" "1" true "Pod memory page_faults";
    POD_MEMORY_RSS = Gauge "k8s.pod.memory.rss" "By" true "Pod memory rss";
    POD_MEMORY_USAGE = Gauge "k8s.pod.memory.usage" "By" true "Pod memory usage";
    POD_MEMORY_WORKING_SET = Gauge "k8s.pod.memory.working_set" "By" true "Pod memory working_set";
    POD_MEMORY_OF_LIMIT = Gauge "k8s.pod.memory_limit_utilization" "1" false
        "Pod memory utilization as a ratio of the pod's total container limits. If any container is missing a limit the metric is not emitted.";
    POD_MEMORY_OF_REQUEST = Gauge "k8s.pod.memory_request_utilization" "1" false
        "Pod memory utilization as a ratio of the pod's total container requests. If any container is missing a request the metric is not emitted.";
    POD_NETWORK_ERRORS = Counter "k8s.pod.network.errors" "1" true "Pod network errors";
    POD_NETWORK_IO = Counter "k8s.pod.network.io" "By" true "Pod network IO";
    POD_UPTIME = Counter "k8s.pod.uptime" "s" false "The time since the pod started";
    POD_VOLUME_USAGE = Sum "k8s.pod.volume.usage" "By" false "The number of used bytes in the pod volume.";
    VOLUME_AVAILABLE = Gauge "k8s.volume.available" "By" true "The number of available bytes in the volume.";
    VOLUME_CAPACITY = Gauge "k8s.volume.capacity" "By" true "The total capacity in bytes of the volume.";
    VOLUME_INODES = Gauge "k8s.volume.inodes" "1" true "The total inodes in the filesystem.";
    VOLUME_INODES_FREE = Gauge "k8s.volume.inodes.free" "1" true "The free inodes in the filesystem.";
    VOLUME_INODES_USED = Gauge "k8s.volume.inodes.used" "1" true
        "The inodes used by the filesystem. This may not equal inodes - free because filesystem may share inodes with other filesystems.";
}

/// Those that need what `/pods` says of requests and limits.
pub(crate) const OF_RESOURCES: [Spec; 8] = [
    CONTAINER_CPU_OF_LIMIT,
    CONTAINER_CPU_OF_REQUEST,
    CONTAINER_MEMORY_OF_LIMIT,
    CONTAINER_MEMORY_OF_REQUEST,
    POD_CPU_OF_LIMIT,
    POD_CPU_OF_REQUEST,
    POD_MEMORY_OF_LIMIT,
    POD_MEMORY_OF_REQUEST,
];

/// Those that need what the API server says of the node.
pub(crate) const OF_NODE: [Spec; 4] =
    [CONTAINER_CPU_OF_NODE, CONTAINER_MEMORY_OF_NODE, POD_CPU_OF_NODE, POD_MEMORY_OF_NODE];

/// The metrics of one kind of object.
pub(crate) struct Family {
    pub(crate) uptime: Option<Spec>,
    pub(crate) cpu: Cpu,
    pub(crate) memory: Memory,
    pub(crate) filesystem: Option<Filesystem>,
    pub(crate) network: Option<Network>,
}

pub(crate) struct Cpu {
    pub(crate) time: Spec,
    pub(crate) usage: Spec,
    pub(crate) shares: Option<Shares>,
}

pub(crate) struct Memory {
    pub(crate) usage: Spec,
    pub(crate) working_set: Spec,
    pub(crate) more: Option<MoreMemory>,
    pub(crate) shares: Option<Shares>,
}

pub(crate) struct MoreMemory {
    pub(crate) available: Spec,
    pub(crate) rss: Spec,
    pub(crate) page_faults: Spec,
    pub(crate) major_page_faults: Spec,
}

/// Use as a share of what there is.
pub(crate) struct Shares {
    pub(crate) of_limit: Spec,
    pub(crate) of_request: Spec,
    pub(crate) of_node: Spec,
}

pub(crate) struct Filesystem {
    pub(crate) available: Spec,
    pub(crate) capacity: Spec,
    pub(crate) usage: Spec,
    pub(crate) inodes: Option<(Spec, Spec)>,
}

pub(crate) struct Network {
    pub(crate) io: Spec,
    pub(crate) errors: Spec,
}

pub(crate) const NODE: Family = Family {
    uptime: Some(NODE_UPTIME),
    cpu: Cpu { time: NODE_CPU_TIME, usage: NODE_CPU_USAGE, shares: None },
    memory: Memory {
        usage: NODE_MEMORY_USAGE,
        working_set: NODE_MEMORY_WORKING_SET,
        more: Some(MoreMemory {
            available: NODE_MEMORY_AVAILABLE,
            rss: NODE_MEMORY_RSS,
            page_faults: NODE_MEMORY_PAGE_FAULTS,
            major_page_faults: NODE_MEMORY_MAJOR_PAGE_FAULTS,
        }),
        shares: None,
    },
    filesystem: Some(Filesystem {
        available: NODE_FILESYSTEM_AVAILABLE,
        capacity: NODE_FILESYSTEM_CAPACITY,
        usage: NODE_FILESYSTEM_USAGE,
        inodes: Some((NODE_FILESYSTEM_INODE_COUNT, NODE_FILESYSTEM_INODE_FREE)),
    }),
    network: Some(Network { io: NODE_NETWORK_IO, errors: NODE_NETWORK_ERRORS }),
};

pub(crate) const SYSTEM_CONTAINER: Family = Family {
    uptime: None,
    cpu: Cpu { time: SYSTEM_CPU_TIME, usage: SYSTEM_CPU_USAGE, shares: None },
    memory: Memory { usage: SYSTEM_MEMORY_USAGE, working_set: SYSTEM_MEMORY_WORKING_SET, more: None, shares: None },
    filesystem: None,
    network: None,
};

pub(crate) const POD: Family = Family {
    uptime: Some(POD_UPTIME),
    cpu: Cpu {
        time: POD_CPU_TIME,
        usage: POD_CPU_USAGE,
        shares: Some(Shares { of_limit: POD_CPU_OF_LIMIT, of_request: POD_CPU_OF_REQUEST, of_node: POD_CPU_OF_NODE }),
    },
    memory: Memory {
        usage: POD_MEMORY_USAGE,
        working_set: POD_MEMORY_WORKING_SET,
        more: Some(MoreMemory {
            available: POD_MEMORY_AVAILABLE,
            rss: POD_MEMORY_RSS,
            page_faults: POD_MEMORY_PAGE_FAULTS,
            major_page_faults: POD_MEMORY_MAJOR_PAGE_FAULTS,
        }),
        shares: Some(Shares {
            of_limit: POD_MEMORY_OF_LIMIT,
            of_request: POD_MEMORY_OF_REQUEST,
            of_node: POD_MEMORY_OF_NODE,
        }),
    },
    filesystem: Some(Filesystem {
        available: POD_FILESYSTEM_AVAILABLE,
        capacity: POD_FILESYSTEM_CAPACITY,
        usage: POD_FILESYSTEM_USAGE,
        inodes: None,
    }),
    network: Some(Network { io: POD_NETWORK_IO, errors: POD_NETWORK_ERRORS }),
};

pub(crate) const CONTAINER: Family = Family {
    uptime: Some(CONTAINER_UPTIME),
    cpu: Cpu {
        time: CONTAINER_CPU_TIME,
        usage: CONTAINER_CPU_USAGE,
        shares: Some(Shares {
            of_limit: CONTAINER_CPU_OF_LIMIT,
            of_request: CONTAINER_CPU_OF_REQUEST,
            of_node: CONTAINER_CPU_OF_NODE,
        }),
    },
    memory: Memory {
        usage: CONTAINER_MEMORY_USAGE,
        working_set: CONTAINER_MEMORY_WORKING_SET,
        more: Some(MoreMemory {
            available: CONTAINER_MEMORY_AVAILABLE,
            rss: CONTAINER_MEMORY_RSS,
            page_faults: CONTAINER_MEMORY_PAGE_FAULTS,
            major_page_faults: CONTAINER_MEMORY_MAJOR_PAGE_FAULTS,
        }),
        shares: Some(Shares {
            of_limit: CONTAINER_MEMORY_OF_LIMIT,
            of_request: CONTAINER_MEMORY_OF_REQUEST,
            of_node: CONTAINER_MEMORY_OF_NODE,
        }),
    },
    filesystem: Some(Filesystem {
        available: CONTAINER_FILESYSTEM_AVAILABLE,
        capacity: CONTAINER_FILESYSTEM_CAPACITY,
        usage: CONTAINER_FILESYSTEM_USAGE,
        inodes: None,
    }),
    network: None,
};
