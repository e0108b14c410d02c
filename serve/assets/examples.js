// Texts to begin with.

export const examples = [
  {
    name: "Owls, and what else lives outside",
    query: "How can an owl catch a mouse in complete darkness?",
    texts: `An owl hears a mouse under the snow: its ears sit at different heights, so it knows how high a sound comes from.
The edges of an owl's feathers are soft, so it flies without a sound and still hears its prey.
In complete darkness a barn owl catches mice by hearing alone.
The eyes of owls are large and cannot turn, so the whole head turns instead, by up to three quarters of a circle.
The flat face of an owl gathers sound like a dish and leads it to the ears.
Owls swallow mice whole and bring up the bones and fur as a pellet.
Owls sleep by day on a branch close to the trunk, where nobody sees them.
A tawny owl defends its wood by calling on autumn nights.
Mice leave their holes after sunset and follow the same paths every night.
Cats see well at night because a layer behind the retina sends the light through it twice.
Bats find moths by calling and listening to the echo.
A fox jumps high and lands on the mouse with its front paws.
Hedgehogs eat beetles, worms and slugs, and sleep through the winter under leaves.
Swallows fly to Africa in September and return to the same barn in April.
The heron stands in shallow water without moving until a fish comes near.
A woodpecker props itself up with its tail while it hammers.
Moles dig with hands like spades and store worms in a chamber.
Bees tell each other by a dance where flowers are.
The trout lies behind a stone, out of the current, and waits for insects.
Deer shed their antlers in winter and grow new ones by summer.
Snakes smell with the tongue, which they press against the roof of the mouth.
Squirrels hide more nuts than they find again, and so plant trees.
Ants lay a trail of scent from the food to the nest.
A kingfisher dives with open eyes and closes a clear lid over them under water.
Mosquitoes find people by breath, warmth and the smell of skin.
The night sky is darkest far from towns, where the Milky Way casts a shadow.
A torch with a red light spoils the eyes for the dark less than a white one.
Mousetraps work best along walls, with peanut butter for bait.
To keep mice out, close every gap wider than a pencil with steel wool.
The computer mouse was shown first in 1968, in a box of wood.
Nest boxes for owls should hang four metres up and face away from rain.
Bread rises because yeast makes gas out of sugar.
The tax return is due at the end of January.
A bicycle chain lasts twice as long if it is cleaned every month.
Tomatoes want sun, warmth and water at the roots only.
Clouds form when air rises, cools, and can hold its water no longer.`,
  },
  {
    name: "What to do in the house",
    query: "Why is my radiator cold?",
    texts: `A radiator that is warm at the top and cold at the bottom is full of sludge and has to be flushed.
A radiator that is cold at the top holds air: open the bleed valve with the key until water comes.
When every radiator downstairs is cold, the pump may be stuck; tap it gently or turn its screw.
If one radiator stays cold all over, the pin of its thermostat valve is often stuck; take off the head and press it in and out.
Close the valves at both ends before you take a radiator off the wall, and put a tray below.
Magnetic filters catch the black rust that heating water carries, before it settles in the radiators.
The pressure of the heating should stand between one and two bar while it is cold.
Top up the heating water through the filling loop until the needle is in the green.
A boiler that bangs like a kettle has lime in its heat exchanger.
Balance the radiators: close the lockshield of those near the boiler, open it on those far away.
A dripping tap needs a new washer or cartridge; turn the water off first.
Clear a slow drain with a plunger before you use anything that burns.
The fuse that trips at once shows a short circuit; one that trips after a while shows too much load.
Mould in the corner comes from damp air on a cold wall: heat evenly, and air the room for five minutes at a time.
Squeaking hinges want a drop of oil, and the door moved a few times.
Draughts at the window stop with a strip of foam in the frame.
A toilet that runs on has a worn flap or a float that hangs too low.
Paint sticks to old gloss only if you sand it first.
Sand the floor with the grain, coarse paper first.
The washing machine that shakes stands uneven: turn its feet until it does not rock.
Clean the filter of the washing machine twice a year.
A fridge that ices up does not close tightly; wash its seal.
Descale the kettle with vinegar, and boil it twice with water afterwards.
Hang a heavy shelf on plugs that suit the wall: plasterboard wants others than brick.
Smoke alarms belong on the ceiling of every bedroom and the hall.
Change the battery of the smoke alarm when it chirps.
The gas smells: open the windows, touch no switch, go out and call the emergency number.
Water the lawn early in the morning, seldom and well.
Prune roses when the forsythia blooms.
Cut the hedge before birds nest, or after August.
Gutters are cleaned after the leaves have fallen.
A bicycle tyre goes down overnight when its valve leaks.
Knead the dough until it comes away from the bowl.
Cold soup is at its best when it has stood for a night.
The bottom of the pan burns when the heat is too high.
Winter mornings are coldest just after sunrise.`,
  },
];
