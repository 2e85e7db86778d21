/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes: named stories with exact times. The network takes no time at all there unless
 * a scene says otherwise, so what passes is what the engine waits for. */
#ifndef REEF_SIM_SCENES_H
#define REEF_SIM_SCENES_H
#include "test/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIM_SCENE_START = 1000, SIM_SCENES = 32 };

/* Puts its tests into `out`; how many. */
size_t sim_scenes(struct CMUnitTest out[SIM_SCENES]);
size_t sim_scenes_links(struct CMUnitTest out[SIM_SCENES]);
size_t sim_scenes_names(struct CMUnitTest out[SIM_SCENES]);
size_t sim_scenes_dns(struct CMUnitTest out[SIM_SCENES]);

extern bool sim_scene_loud;           /* each step is printed */
sim_world *sim_scene_begin(void);     /* not started yet */
sim_world *sim_scene_connected(void); /* a link is ready; call 0 is done */
/* No promise was broken so far. */
void sim_scene_whole(const sim_world *);
/* Nothing was broken, nothing is lost; frees the world. */
void sim_scene_end(sim_world *);

size_t sim_scenes_talk(struct CMUnitTest out[SIM_SCENES]);
size_t sim_scenes_sentinel(struct CMUnitTest out[SIM_SCENES]);
size_t sim_scenes_sentinel_faults(struct CMUnitTest out[SIM_SCENES]);
size_t sim_scenes_sentinel_vain(struct CMUnitTest out[SIM_SCENES]);

/* For scenes with Sentinels (scenes_sentinel.c): the master, replicas, and Sentinels
 * that watch it as "mymaster". Not started yet. */
sim_world *sim_scene_sentinels(uint32_t replicas, uint32_t sentinels);
sim_node *sim_scene_sentinel(sim_world *, uint32_t index);
/* Started, and a call is answered; time goes on until all Sentinels are watched. */
sim_world *sim_scene_watching(uint32_t replicas, uint32_t sentinels);
/* Calls every few milliseconds until then; all must be answered, each run once. */
void sim_scene_traffic(sim_world *, int64_t until_ms);
/* One call that waits; how long after the promotion it was answered. */
int64_t sim_scene_after_promotion(sim_world *);

size_t sim_scenes_cluster_talk(struct CMUnitTest out[SIM_SCENES]);
size_t sim_scenes_cluster(struct CMUnitTest out[SIM_SCENES]);
size_t sim_scenes_cluster_faults(struct CMUnitTest out[SIM_SCENES]);

/* For scenes with a Cluster (scenes_cluster.c): masters and replicas at one address, at
 * ports from 7000, one of them in the settings. Not started yet. */
sim_world *sim_scene_cluster(uint32_t masters, uint32_t replicas);
/* Started; a call to each master is answered. */
sim_world *sim_scene_mapped(uint32_t masters, uint32_t replicas);
/* From now on, keys of the calls are in one slot that the node owns. The slot. */
uint32_t sim_scene_aim(sim_world *, const sim_node *);

/* For scenes with names (scenes_names.c). */
#define SIM_SERVICE "_redis._tcp.db.test"
sim_world *sim_scene_named(reef_host_kind, const char *name);
/* One more place where the server is; port 0: at any port. */
void sim_scene_address(sim_world *, const char *address, uint16_t port);
/* SIM_SERVICE has that many targets, t0.test and so on, each at 10.0.0.1 and so on. */
sim_world *sim_scene_service(uint32_t targets);
/* One call that must be answered; when, counted from its submit. */
int64_t sim_scene_answered(sim_world *, int64_t timeout_ms);
/* One call that ends by its deadline, since no name server helps; what it said. */
const char *sim_scene_unknown(sim_world *, int64_t timeout_ms);

#endif
