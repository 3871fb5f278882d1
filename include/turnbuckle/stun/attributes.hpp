// Every typed attribute, for the layers above: one include instead of four.
//
// Which attribute is in which file: addresses (address_), text and opaque bytes (text_), errors and
// authentication (authentication_), the fixed-size ones of TURN and its extensions (turn_).
#pragma once

#include "turnbuckle/stun/address_attributes.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/authentication_attributes.hpp"
#include "turnbuckle/stun/text_attributes.hpp"
#include "turnbuckle/stun/turn_attributes.hpp"
