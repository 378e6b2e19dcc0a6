<?php
// How a PHP program talks to emgate: the SoapClient of the extension `soap`, made of the gateway's own WSDL.

/** Returns the client; $address is https://host:8443, $ca a file of certificates to trust (null: the system's). */
function connect(string $address, string $user, string $password, ?string $ca): SoapClient
{
    return new SoapClient("$address/axl/?wsdl", [
        'location' => "$address/axl/",
        'login' => $user,
        'password' => $password,
        'stream_context' => stream_context_create(['ssl' => $ca ? ['cafile' => $ca] : []]),
        'cache_wsdl' => WSDL_CACHE_NONE, // else PHP keeps the WSDL of the first start for a day
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS, // one row is an array too
    ]);
}

/** The objects in the answer to a list operation; none is a `return` without properties. */
function rows(stdClass $answer, string $element): array
{
    return $answer->return->$element ?? [];
}

/** The name in a reference, or null where it points nowhere: a null reference has no uuid. */
function name_of(stdClass $reference): ?string
{
    return isset($reference->uuid) ? $reference->_ : null;
}

/** The AXL code of a fault: 5007 for an object that is not there, -239 for one that is there already, … */
function code_of(SoapFault $fault): int
{
    return (int) $fault->detail->axlError->axlcode;
}
