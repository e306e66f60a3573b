/**
 * Policy of all APIs that refuses requests with an `Origin` header. Browsers send one with whatever the script of a page
 * sends to another origin ("Origin" in the Fetch standard), AWS SDKs never do: no page that happens to be open may
 * spend tokens of the real account.
 */
export const REFUSE_ORIGINS = `
<policies>
  <inbound>
    <choose>
      <when condition='@(context.Request.Headers.Any(header => header.Key.ToLowerInvariant() == "origin"))'>
        <return-response>
          <set-status code="403" reason="Forbidden" />
          <set-header name="Content-Type" exists-action="override">
            <value>application/json</value>
          </set-header>
          <set-header name="x-amzn-ErrorType" exists-action="override">
            <value>AccessDeniedException</value>
          </set-header>
          <set-header name="x-amzn-RequestId" exists-action="override">
            <value>@(context.RequestId.ToString())</value>
          </set-header>
          <set-body>{"message":"Requests with an Origin header are refused: this server is not for web pages."}</set-body>
        </return-response>
      </when>
    </choose>
  </inbound>
  <backend>
    <forward-request />
  </backend>
  <outbound />
  <on-error />
</policies>`;
