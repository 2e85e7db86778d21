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

sim_world *sim_scene_begin(void);     /* not started yet */
sim_world *sim_scene_connected(void); /* a link is ready; call 0 is done */
/* Nothing was broken, nothing is lost; frees the world. */
void sim_scene_end(sim_world *);

#endif
