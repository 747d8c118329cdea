#ifndef CANNED_H
#define CANNED_H

/*
 * Whole messages that one octet of an input stands for, right ones and wrong
 * ones, so that an engine need not spell them. Static; i is 0 to 15. A new
 * message takes the place of none: inputs mean what they meant.
 */

#include "px.h"

struct px_bytes canned_client(bool is_http, unsigned i);
struct px_bytes canned_server(bool is_http, unsigned i);

#endif
