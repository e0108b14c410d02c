/* main.c - where the process begins.  Alone in its file, so that tests and fuzz targets
 * can run commands in a process of their own. */
#include "frame/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
