/* header_cxx.cpp - the same in C++11. */
#include "header_c.c"
