// What one worker's sockets count: written by that worker's thread only, read by any.
#pragma once

#include "turnbuckle/base/metrics.hpp"

namespace turnbuckle::net {

struct Statistics {
    Counter receive_calls;
    Counter received_datagrams;
    Counter received_bytes;
    Counter send_calls;
    Counter sent_datagrams;
    Counter sent_bytes;
    Counter kernel_drops;    // datagrams that a full receive buffer lost (SO_RXQ_OVFL)
    Counter receive_errors;  // errors a socket reported for earlier datagrams, ECONNREFUSED and the
                             // like
    Counter gso_disabled;    // sockets whose device refused UDP_SEGMENT
    Gauge receive_buffer_bytes;  // smallest granted SO_RCVBUF of the listeners
    Gauge send_buffer_bytes;
    Counter wakeups;
    Counter busy_nanoseconds;  // time not spent waiting
};

}  // namespace turnbuckle::net
