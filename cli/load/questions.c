#include "cli/load/questions.h"

/* Lengths differ as those of people do, so that batches are not all of one shape. */
const struct load_question load_questions[N_QUESTIONS] = {
    {"How do I bake bread without a machine?", "Mix flour, water, yeast and salt, knead for ten minutes, let "
                                               "the dough rise until it has doubled, and bake it "
                                               "in a hot oven with some steam."},
    {"What is the capital of Australia?",
     "Canberra is the capital of Australia; Sydney is its largest city."},
    {"Why is the sky blue?",
     "Air scatters short waves of light more than long ones, so blue reaches the eye from all directions."},
    {"How can I undo the last commit in git but keep my changes?",
     "git reset --soft HEAD~1 takes the last commit back and leaves its changes in the index."},
    {"Which vitamins are in oranges?", "Oranges have much vitamin C, and some folate and thiamine."},
    {"What does the error 'permission denied' mean when I run a script?",
     "The file is not marked as executable, or lies on a file system that is mounted without execution; "
     "chmod +x "
     "mends the first."},
    {"When did the Berlin Wall fall?", "The border was opened on the evening of 9 November 1989."},
    {"How far is the moon?", "On average 384,400 kilometres lie between the centres of earth and moon."},
    {"What should I look for when I buy a used bicycle?",
     "Look at the frame for cracks, at wear of chain and cassette, at the rims, and whether the headset "
     "turns "
     "without play."},
    {"How do vaccines work?", "They show the immune system a harmless part of a germ, so that antibodies and "
                              "memory cells are there before "
                              "the germ itself comes."},
    {"Which file system should I use for a database?",
     "XFS and ext4 are both well proven; what matters more is that writes are flushed and that there is room "
     "left."},
    {"How long do I boil an egg?", "Six minutes for a soft yolk, ten for a hard one, from boiling water on."},
    {"What is the difference between TCP and UDP?", "TCP delivers a stream of bytes in order and repeats "
                                                    "what was lost; UDP sends packets and promises nothing."},
    {"Who wrote Don Quixote?", "Miguel de Cervantes published its two parts in 1605 and 1615."},
    {"Why do cats purr?", "Muscles of the larynx open and close quickly while a cat breathes; it purrs when "
                          "it is content, and also when "
                          "it is hurt."},
    {"How do I change the oil of a car?", "Warm the engine, drain the old oil, put in a new filter and "
                                          "washer, fill in the amount that the manual says, "
                                          "and check for leaks."},
    {"What is compound interest?",
     "Interest that is paid on earlier interest too, so that a sum grows exponentially with time."},
    {"Can I plant tomatoes in the shade?",
     "They want six hours of sun at least; in the shade they grow leaves and little fruit."},
    {"How is steel made?",
     "Iron from a blast furnace is freed of most of its carbon by oxygen, then alloyed and cast."},
    {"What does a semaphore do?", "It counts permits: a thread takes one before it enters, waits if there is "
                                  "none, and gives it back afterwards."},
    {"Where do eels spawn?", "European eels are thought to spawn in the Sargasso Sea; nobody has seen it."},
    {"How do I find large files on Linux?", "du -ah / | sort -rh | head shows the largest files and folders; "
                                            "find with -size +100M lists files alone."},
    {"What is the boiling point of water on Mount Everest?",
     "About 70 degrees Celsius, since the pressure there is a third of that at the sea."},
    {"Why does my phone get hot while charging?", "Some of the current turns into heat in the battery and "
                                                  "its electronics, more so when it is charged quickly."},
    {"How can I learn a language quickly?", "Listen and read every day what you nearly understand, repeat "
                                            "words at growing intervals, and speak from the "
                                            "first week on."},
    {"What is a black hole?", "A region whose gravity is so strong that nothing that is within its horizon "
                              "can leave it, light included."},
    {"How do I remove a red wine stain?",
     "Blot it, pour on cold water or soda, then wash it with salt or a little detergent before it dries."},
    {"What does HTTP status 429 mean?",
     "The client has sent too many requests in a time; it should wait as long as Retry-After says."},
    {"How many bones does a human have?",
     "An adult has 206 bones; a baby has about 270, some of which fuse."},
    {"What is the best time to prune apple trees?",
     "Late winter, before the buds open; water shoots may be torn out in summer."},
    {"How does a heat pump warm a house?", "It takes heat from air, ground or water by a fluid that "
                                           "evaporates cold and condenses warm, and moves three or "
                                           "four times the energy that it uses."},
    {"Who invented the printing press?", "Johannes Gutenberg printed with movable metal type in Mainz around "
                                         "1450; China and Korea had type before."},
    {"What is the time complexity of quicksort?",
     "O(n log n) on average and O(n squared) at worst, which a good choice of pivots makes improbable."},
    {"Is it safe to eat raw cookie dough?",
     "Flour and eggs may carry germs such as E. coli and salmonella, so it had better be baked."},
    {"How do I mount a USB stick read-only?", "mount -o ro /dev/sdb1 /mnt mounts its first partition so."},
    {"Why do leaves turn red in autumn?", "Trees take chlorophyll back, yellow pigments become visible, and "
                                          "some make red anthocyanins meanwhile."},
    {"What is inflation?", "A general rise of prices: the same money buys less than it did a year ago."},
    {"How can I make my home network faster?", "Use cables where you can, place the access point in the "
                                               "middle, choose a free channel, and look which device "
                                               "is the slow one."},
    {"What are the symptoms of a concussion?", "Headache, dizziness, nausea, confusion and gaps of memory "
                                               "after a blow; whoever gets worse must see a doctor."},
    {"How deep is the ocean?",
     "It is 3,700 metres deep on average, and nearly 11,000 in the Mariana Trench."},
    {"How do I write a cover letter?", "Say in a page why this job and why you, with two examples of what "
                                       "you did, and leave the rest to the CV."},
    {"What does a transformer in a neural network do?",
     "It lets each token look at all others by attention, weighs them, and passes the mixture through layers "
     "that "
     "work on every token alone."},
    {"Why is bread dough sticky?", "There is much water in it, or too little gluten yet; more kneading or "
                                   "some rest help more than more flour."},
    {"When should I replace the tyres of a car?",
     "When less than three millimetres of tread are left, or after eight to ten years whatever is left."},
    {"What is the longest river in Europe?", "The Volga, 3,530 kilometres long."},
    {"How do I back up a PostgreSQL database?", "pg_dump writes one database to a file; pg_basebackup with "
                                                "archived logs restores a whole cluster to any "
                                                "moment."},
    {"Which planets have rings?",
     "All four giants: Saturn's are bright, those of Jupiter, Uranus and Neptune faint."},
    {"How much sleep does an adult need?", "Seven to nine hours a night, says most research."},
    {"What is the difference between jam and jelly?",
     "Jam has crushed fruit in it, jelly is made of juice alone; both set by pectin, sugar and acid."},
    {"How can I tell whether a mushroom is edible?",
     "Only by knowing the species for certain: no general rule of colour, smell or silver spoons is true."},
};
