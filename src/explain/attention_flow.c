/* Dinic's algorithm (1970). Nodes stand in levels: level l holds the tokens after layer l, the
 * source is above the last, the sink is one token of level 0. Invariant: an edge's flow is between
 * 0 and its capacity (0 for a weight below 0), so what can be added downwards is the rest, and
 * upwards the flow itself. */
#include "explain/attention_flow.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static const double nothing = 1e-12; /* less than this is rounding */

typedef struct network {
    size_t tokens, layers;
    double *source, *source_flow; /* [tokens] into the last level */
    double *capacity, *flow;      /* [layers][tokens][tokens]: from level l + 1 to l */
    uint32_t *distance;           /* [layers + 1][tokens] from the source; 0: not reached */
    uint32_t *queue;              /* likewise */
    size_t sink;
} network;

static size_t edge(const network *net, size_t layer, size_t from, size_t to) {
    return (layer * net->tokens + from) * net->tokens + to;
}

/* What can still go from node to `to` of the level below, or above. */
static double room_down(const network *net, size_t level, size_t token, size_t to) {
    const size_t e = edge(net, level - 1, token, to);
    return level == 1 && to != net->sink ? 0 : net->capacity[e] - net->flow[e];
}
static double room_up(const network *net, size_t level, size_t token, size_t to) {
    return net->flow[edge(net, level, to, token)];
}

static void reach(network *net, size_t *end, size_t node, uint32_t distance) {
    if (net->distance[node]) return;
    net->distance[node] = distance;
    net->queue[(*end)++] = (uint32_t)node;
}

/* Distances from the source along edges that can take more; true if the sink is reached. */
static bool find_distances(network *net) {
    const size_t n = net->tokens;
    size_t begin = 0, end = 0;
    memset(net->distance, 0, (net->layers + 1) * n * sizeof *net->distance);
    for (size_t i = 0; i < n; i++)
        if (net->source[i] - net->source_flow[i] > nothing)
            reach(net, &end, net->layers * n + i, 1);
    while (begin < end) {
        const size_t node = net->queue[begin++], level = node / n, token = node % n;
        const uint32_t next = net->distance[node] + 1;
        for (size_t to = 0; to < n; to++) {
            if (level > 0 && room_down(net, level, token, to) > nothing)
                reach(net, &end, node - token - n + to, next);
            if (level > 0 && level < net->layers && room_up(net, level, token, to) > nothing)
                reach(net, &end, node - token + n + to, next);
        }
    }
    return net->distance[net->sink] > 0;
}

/* Sends up to `amount` from a node to the sink along shortest ways; returns what arrived. A node
 * that can send no more is cut off. */
static double push(network *net, size_t node, double amount) {
    const size_t n = net->tokens, level = node / n, token = node % n;
    double sent = 0;
    if (node == net->sink) return amount;
    for (size_t to = 0; to < n && amount - sent > nothing; to++) {
        const size_t below = node - token - n + to, above = node - token + n + to;
        const double down = level > 0 ? room_down(net, level, token, to) : 0;
        if (down > nothing && net->distance[below] == net->distance[node] + 1) {
            const double arrived = push(net, below, fmin(amount - sent, down));
            net->flow[edge(net, level - 1, token, to)] += arrived;
            sent += arrived;
        }
        const double up = level < net->layers ? room_up(net, level, token, to) : 0;
        if (up > nothing && net->distance[above] == net->distance[node] + 1) {
            const double arrived = push(net, above, fmin(amount - sent, up));
            net->flow[edge(net, level, to, token)] -= arrived;
            sent += arrived;
        }
    }
    if (amount - sent > nothing) net->distance[node] = 0;
    return sent;
}

static double greatest_flow(network *net, size_t sink) {
    const size_t n = net->tokens;
    double total = 0;
    net->sink = sink;
    memset(net->source_flow, 0, n * sizeof *net->source_flow);
    memset(net->flow, 0, net->layers * n * n * sizeof *net->flow);
    while (find_distances(net))
        for (size_t i = 0; i < n; i++) {
            const double room = net->source[i] - net->source_flow[i];
            if (room <= nothing || net->distance[net->layers * n + i] != 1) continue;
            const double arrived = push(net, net->layers * n + i, room);
            net->source_flow[i] += arrived;
            total += arrived;
        }
    return total;
}

static hw_status start(network *net, const hw_attention_matrices *m, hw_error *err) {
    const size_t n = m->tokens, edges = m->layers * n * n, nodes = (m->layers + 1) * n;
    net->tokens = n;
    net->layers = m->layers;
    net->source = hw_calloc(n, sizeof *net->source);
    net->source_flow = hw_calloc(n, sizeof *net->source_flow);
    net->capacity = hw_calloc(edges, sizeof *net->capacity);
    net->flow = hw_calloc(edges, sizeof *net->flow);
    net->distance = hw_calloc(nodes, sizeof *net->distance);
    net->queue = hw_calloc(nodes, sizeof *net->queue);
    if (!net->source || !net->source_flow || !net->capacity || !net->flow || !net->distance ||
        !net->queue)
        return hw_fail_memory(err, 2 * edges * sizeof *net->flow);
    for (size_t i = 0; i < n; i++) net->source[i] = (double)m->row[i];
    for (size_t e = 0; e < edges; e++) {
        const bool stays = e / n % n == e % n;
        net->capacity[e] = fmax(((double)m->mean[e] + (stays ? 1 : 0)) / 2, 0);
    }
    return HW_OK;
}

hw_status hw_attention_flow(double *flow, const hw_attention_matrices *m, hw_error *err) {
    network net = { 0 };
    if (m->tokens > HW_FLOW_TOKENS)
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "the text has %zu tokens; flow is offered for up to %d", m->tokens,
                       HW_FLOW_TOKENS);
    const hw_status status = start(&net, m, err);
    for (size_t i = 0; i < m->tokens && status == HW_OK; i++) flow[i] = greatest_flow(&net, i);
    hw_free(net.source);
    hw_free(net.source_flow);
    hw_free(net.capacity);
    hw_free(net.flow);
    hw_free(net.distance);
    hw_free(net.queue);
    return status;
}
