// Answers as soon as the server does.
export function GET() {
  return new Response();
}
